import { beforeEach, expect, it, vi } from 'vitest';
import { Suggestions } from '../../src/pages/reading-room/suggestions.svelte';
import type { Assignment, Suggestion } from '../../src/pages/reading-room/types';
import { CaseRecord } from '../../src/viewer/record';
import { fakeSeries } from '../viewer/fake-series';
import { PatchBuilder, type VoxelPatch } from '../../src/voxels/patch';

const asked: number[] = [];
const VOXELS = Uint8Array.from([1, 1, 0, 0, 0, 2, 2, 0]);
const series = { ...fakeSeries({ frames: 2 }), id: 7, rows: 2, columns: 2, frame_count: 2 };
const suggestion: Suggestion = {
  id: 5,
  round: 3,
  created_at: '2026-01-01T00:00:00Z',
  items: [
    { item: 'answer:finding', kind: 'answer', question: 'finding', value: 'yes', confidence: 0.9 },
    {
      item: '2.25.1',
      kind: 'box',
      label_class: 'lesion',
      sop_instance_uid: '1.2.3',
      frame: 1,
      points_px: [
        [1, 1],
        [5, 5],
      ],
      text: '',
      confidence: null,
    },
    {
      item: 'mask:7:1',
      kind: 'labelmap',
      label_class: 'lesion',
      voxel_value: 1,
      series: 7,
      mask: 'a',
      voxels: 2,
      index: 0,
      confidence: null,
    },
    {
      item: 'mask:7:2',
      kind: 'labelmap',
      label_class: 'node',
      voxel_value: 2,
      series: 7,
      mask: 'a',
      voxels: 2,
      index: 1,
      confidence: null,
    },
  ],
};

vi.mock('../../src/pages/reading-room/server', () => ({
  showSuggestion: async (slot: number) => {
    asked.push(slot);
    return suggestion;
  },
  fetchMask: async () => VOXELS,
}));

let record: CaseRecord;
let suggestions: Suggestions;

const assignment = (assistance: Assignment['assistance']) => ({ slot: 9, assistance }) as Assignment;
const begin = async (assistance: Partial<Assignment['assistance']>) => {
  suggestions.begin(assignment({ mode: 'at_once', ready: true, committed_at: null, ...assistance }), [
    series,
  ]);
  await vi.waitFor(() => expect(suggestions.loading).toBe(false));
};
const item = (name: string) => {
  const found = suggestion.items.find((one) => one.item === name);
  if (!found) throw new Error(name);
  return found;
};
const states = () => suggestions.rows.map(({ state }) => state);

beforeEach(() => {
  asked.length = 0;
  record = new CaseRecord();
  let revision = $state(0);
  record.onChange(() => {
    revision += 1;
  });
  suggestions = new Suggestions({
    record,
    revision: () => revision,
    classes: () => [],
    questions: () => [],
  });
});

it.each([
  [{ mode: 'off' as const }, []],
  [{ ready: false }, []],
  [{ mode: 'reader_first' as const }, []],
  [{ mode: 'reader_first' as const, committed_at: 'then' }, [9]],
  [{}, [9]],
])('with %o, the server is asked for %o', async (assistance, expected) => {
  await begin(assistance);
  expect(asked).toEqual(expected);
});

it('what is shown after the own reading was not there before', async () => {
  await begin({ mode: 'reader_first' });
  expect(suggestions.wantsFirst).toBe(true);
  expect(suggestions.rows).toEqual([]);
  suggestions.committed('2026-01-01T00:00:00Z');
  await vi.waitFor(() => expect(suggestions.rows).toHaveLength(4));
  expect(suggestions.wantsFirst).toBe(false);
});

it('accepting is one step, whose undoing leaves nothing behind', async () => {
  await begin({});
  suggestions.accept(item('2.25.1'));
  expect([...record.marks.keys()]).toEqual(['2.25.1']);
  expect(record.decisions).toEqual([{ suggestion: 5, item: '2.25.1', decision: 'accepted' }]);
  expect(record.steps).toHaveLength(1);
  record.undo();
  expect(record.marks.size).toBe(0);
  expect(record.decisions).toEqual([]);
  record.redo();
  expect(states()).toEqual(['waiting', 'accepted', 'waiting', 'waiting']);
});

it('accepting all takes answers, marks and every class of the mask in one step', async () => {
  await begin({});
  suggestions.acceptAll();
  expect(record.answer('finding')).toBe('yes');
  expect([...(record.labelmaps.get(7)?.bytes ?? [])]).toEqual([...VOXELS]);
  expect(states()).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
  record.undo();
  expect(record.answer('finding')).toBeNull();
  expect(record.labelmaps.get(7)?.values).toEqual([]);
  expect(states()).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
});

it('what the reader painted before is not painted over', async () => {
  await begin({});
  const own = record.labelmap(7, 2, 2, 2);
  const patch = new PatchBuilder();
  patch.set(0, 0, 2);
  own.write(patch.build() as VoxelPatch, 'after');
  suggestions.accept(item('mask:7:1'));
  expect([...own.bytes]).toEqual([2, 1, 0, 0, 0, 0, 0, 0]);
});

it('a change after accepting is told from what was accepted', async () => {
  await begin({});
  suggestions.acceptAll();
  record.setAnswer('finding', 'no', 'answer');
  const mark = record.marks.get('2.25.1');
  if (mark) record.setMark('2.25.1', { ...mark, label_class: 'node' }, 'class');
  expect(states().slice(0, 2)).toEqual(['edited', 'edited']);
  record.setMark('2.25.1', null, 'delete');
  expect(states()[1]).toBe('rejected');
});

it('rejecting what was accepted takes the mark away again, and can be undone', async () => {
  await begin({});
  suggestions.accept(item('2.25.1'));
  suggestions.reject(item('2.25.1'));
  expect(record.marks.size).toBe(0);
  expect(states()[1]).toBe('rejected');
  record.undo();
  expect(record.marks.size).toBe(1);
  expect(states()[1]).toBe('accepted');
});

it('the keys act on the first that waits, or on the one that was chosen', async () => {
  await begin({});
  expect(suggestions.current?.item).toBe('answer:finding');
  suggestions.choose('mask:7:1');
  expect(suggestions.current?.item).toBe('mask:7:1');
  suggestions.accept(item('mask:7:1'));
  expect(suggestions.current?.item).toBe('answer:finding');
  suggestions.visible = false;
  expect(suggestions.current).toBeNull();
});

it('opacity stays between faint and full', async () => {
  for (let i = 0; i < 9; i++) suggestions.fade(-1);
  expect(suggestions.opacity).toBe(0.2);
  for (let i = 0; i < 9; i++) suggestions.fade(1);
  expect(suggestions.opacity).toBe(1);
});

it('decisions come back with a stored draft', async () => {
  await begin({});
  record.load({
    answers: [],
    marks: [],
    suggestions: [{ suggestion: 5, item: 'mask:7:1', decision: 'rejected' }],
  });
  expect(states()).toEqual(['waiting', 'waiting', 'rejected', 'waiting']);
});

it('a suggestion that becomes ready while the case is open is fetched, once', async () => {
  await begin({ mode: 'at_once', ready: false, committed_at: null });
  expect(asked).toEqual([]);
  suggestions.becameReady({ mode: 'at_once', ready: false, committed_at: null });
  expect(asked).toEqual([]);
  for (let beat = 0; beat < 2; beat++) {
    suggestions.becameReady({ mode: 'at_once', ready: true, committed_at: null });
  }
  await vi.waitFor(() => expect(suggestions.shown).not.toBeNull());
  expect(asked).toHaveLength(1);
});

it('another case shows nothing of the one before', async () => {
  await begin({});
  suggestions.begin(assignment({ mode: 'off', ready: false, committed_at: null }), []);
  expect(suggestions.rows).toEqual([]);
  expect(suggestions.bordersIn(7)).toBeNull();
});
