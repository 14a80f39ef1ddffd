/** The steps of the history in words, and where in the images each of them lies. */

import { t } from '../../strings';
import { count } from '../../strings/format';
import type { Edit } from '../../viewer/history';
import { frameIndexOf } from '../../viewer/measure';
import type { Mark } from '../../viewer/types';
import { patchVoxels } from '../../voxels/patch';
import { choicesOf } from './form';
import type { Room } from './room.svelte';

/** What the title leaves open: how much, where, or which answer. */
export function detailOf(edit: Edit, room: Room): string {
  switch (edit.kind) {
    case 'voxels': {
      const frames = room.record.labelmaps.get(edit.series)?.framesOf(edit.patch) ?? [];
      return [t('history.voxels', { n: patchVoxels(edit.patch) }), imagesOf(frames)].join(' · ');
    }
    case 'mark':
      return whereIs(edit.after ?? edit.before, room);
    case 'answer':
      return answerOf(edit, room);
    case 'look':
      return edit.after?.name ?? '';
    case 'decision':
    case 'prompted':
    case 'group':
      return '';
  }
}

function imagesOf(frames: readonly number[]): string {
  const [first, last] = [Math.min(...frames) + 1, Math.max(...frames) + 1];
  return first === last ? t('history.image', { number: first }) : t('history.images', { first, last });
}

function whereIs(mark: Mark | null, room: Room): string {
  const frames = mark ? room.series.map((series) => frameIndexOf(series, mark)) : [];
  const index = frames.find((one) => one >= 0) ?? -1;
  const where = index >= 0 ? t('history.image', { number: index + 1 }) : '';
  return [mark?.text, where].filter(Boolean).join(' · ');
}

function answerOf({ question: code, after }: Edit & { kind: 'answer' }, room: Room): string {
  const question = (room.schema.questions ?? []).find((one) => one.code === code);
  const labels = new Map((question ? choicesOf(question) : []).map(({ value, label }) => [value, label]));
  const given = Array.isArray(after) ? after : after === null ? [] : [after];
  const words = given.map((one) => labels.get(one) ?? (typeof one === 'number' ? count(one) : one));
  return words.join(', ') || t('history.emptied');
}
