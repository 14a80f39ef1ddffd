/** What the keys do with suggestions. One that lies elsewhere is gone to before it can be accepted. */

import type { Actions } from '../../keys/actions';
import { frameIndexOf } from '../../viewer/measure';
import { middleOf } from '../../viewer/outlines';
import type { ViewerState } from '../../viewer/state';
import type { Point } from '../../viewer/types';
import type { Room } from './room.svelte';
import { linesIn } from './suggestion-lines';
import type { SuggestedItem, SuggestedMark, SuggestedMask } from './types';

export interface Place {
  /** By its id. */
  series: number;
  frame: number;
  /** Where on the frame, for planes that lie across it. */
  pixel: Point;
}

const pixelOf = (room: Room, item: SuggestedMark | SuggestedMask): Point =>
  item.kind === 'labelmap'
    ? (room.suggestions.bordersIn(item.series)?.map.middleOn(item.index, item.voxel_value) ?? [0, 0])
    : middleOf(item);

/** Where an item lies among the series of the case; null for an answer. */
export function placeOf(room: Room, item: SuggestedItem): Place | null {
  if (item.kind === 'answer') return null;
  for (const series of room.series) {
    const its = series.id;
    const frame =
      item.kind === 'labelmap' ? (its === item.series ? item.index : -1) : frameIndexOf(series, item);
    if (frame >= 0) return { series: its, frame, pixel: pixelOf(room, item) };
  }
  return null;
}

/** Whether the reader can see the item now: any picture in which some of it lies will do. */
function isInView(room: Room, { series, index }: ViewerState, item: SuggestedItem): boolean {
  if (item.kind === 'answer') return true;
  return series !== null && linesIn(room.suggestions, item, series, index).length > 0;
}

type SuggestionActions = Pick<
  Actions,
  'accept' | 'acceptAll' | 'reject' | 'toggleSuggestions' | 'fadeSuggestions'
>;

export function suggestionActions(
  room: Room,
  view: () => ViewerState,
  goTo: (item: SuggestedItem) => void,
  select: (uid: string) => void,
): SuggestionActions {
  const { suggestions } = room;
  const withCurrent = (act: (item: SuggestedItem) => void) => () => {
    const item = suggestions.current;
    if (!item) return;
    if (!isInView(room, view(), item)) return goTo(item);
    act(item);
  };
  return {
    accept: withCurrent((item) => {
      suggestions.accept(item);
      if (room.record.marks.has(item.item)) select(item.item);
    }),
    acceptAll: () => suggestions.visible && suggestions.acceptAll(),
    reject: withCurrent((item) => suggestions.reject(item)),
    toggleSuggestions: () => {
      suggestions.visible = !suggestions.visible;
    },
    fadeSuggestions: (direction) => suggestions.fade(direction),
  };
}
