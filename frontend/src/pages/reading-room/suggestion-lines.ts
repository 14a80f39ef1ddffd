/** What is seen of a suggested item in a picture. */

import type { Line } from '../../viewer/outlines';
import { markLines } from '../../viewer/suggested';
import type { SeriesDisplay } from '../../viewer/types';
import { markOf, type Suggestions } from './suggestions.svelte';
import type { SuggestedItem } from './types';

/** On that frame of a series, or in that plane through one; nothing of an answer, which has no place. */
export function linesIn(
  suggestions: Suggestions,
  item: SuggestedItem,
  series: SeriesDisplay,
  index: number,
): Line[] {
  if (item.kind === 'answer') return [];
  if (item.kind !== 'labelmap') return markLines(markOf(item), series, index);
  const source = series.section?.source ?? series;
  if (source.id !== item.series) return [];
  return suggestions.bordersIn(item.series)?.on(series, index, item.voxel_value) ?? [];
}
