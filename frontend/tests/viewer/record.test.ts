import { describe, expect, it } from 'vitest';
import { Labelmap, Stroke } from '../../src/viewer/labelmap';
import { History, PATCH_BYTES_KEPT, STEPS_KEPT } from '../../src/viewer/history';
import { looksToStore } from '../../src/viewer/looks';
import { CaseRecord, type Change } from '../../src/viewer/record';
import type { Mark } from '../../src/viewer/types';
import { patchBytes } from '../../src/voxels/patch';

const box = (uid: string, left = 1): Mark => ({
  tracking_uid: uid,
  kind: 'box',
  label_class: 'lesion',
  sop_instance_uid: '1.2.3',
  frame: 1,
  points_px: [
    [left, 2],
    [left + 4, 6],
  ],
  mask: null,
  series: null,
  text: '',
});

function paint(record: CaseRecord, column: number, value = 1): void {
  const map = record.labelmap(7, 2, 20, 20);
  const stroke = new Stroke(map, { radiusMm: 2, shape: 'disc', value }, { column: 1, row: 1, frame: 1 });
  stroke.moveTo([column, 10, 0]);
  const patch = stroke.finish();
  if (patch) record.painted(7, patch, 'paint');
}

const snapshot = (record: CaseRecord) =>
  JSON.stringify([
    record.answers,
    [...record.marks.values()].sort((a, b) => a.tracking_uid.localeCompare(b.tracking_uid)),
    [...(record.labelmaps.get(7)?.bytes ?? [])],
  ]);

/** A small deterministic generator, so that a failing seed fails again. */
function random(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

function edit(record: CaseRecord, next: (below: number) => number): void {
  const uid = `2.25.${next(4)}`;
  const choice = next(4);
  if (choice === 0) record.setAnswer('finding', ['no', 'yes', null][next(3)] ?? null, 'answer');
  else if (choice === 1) record.setMark(uid, box(uid, next(10)), 'draw');
  else if (choice === 2 && record.marks.has(uid)) record.setMark(uid, null, 'delete');
  else paint(record, next(20), next(3));
}

describe('the history', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'leads back through every state and forth again (seed %i)',
    (seed) => {
      const next = random(seed);
      const record = new CaseRecord();
      record.labelmap(7, 2, 20, 20);
      const states = [snapshot(record)];
      for (let step = 0; step < 60; step++) {
        const before = record.steps.length;
        edit(record, next);
        if (record.steps.length > before) states.push(snapshot(record));
      }
      for (let at = states.length - 2; at >= 0; at--) {
        expect(record.undo()).not.toBeNull();
        expect(snapshot(record)).toBe(states[at]);
      }
      expect(record.undo()).toBeNull();
      for (let at = 1; at < states.length; at++) {
        expect(record.redo()).not.toBeNull();
        expect(snapshot(record)).toBe(states[at]);
      }
      expect(record.redo()).toBeNull();
    },
  );

  it('forgets what was undone once something new is done', () => {
    const record = new CaseRecord();
    record.setAnswer('finding', 'yes', 'answer');
    record.undo();
    record.setAnswer('finding', 'no', 'answer');
    expect(record.redo()).toBeNull();
    expect(record.answer('finding')).toBe('no');
  });

  it('takes a word that was typed as one step', () => {
    const record = new CaseRecord();
    for (const text of ['b', 'bi', 'big']) record.setAnswer('remark', text, 'remark', { typing: true });
    expect(record.steps).toEqual(['remark']);
    record.undo();
    expect(record.answer('remark')).toBeNull();
    record.redo();
    expect(record.answer('remark')).toBe('big');
  });

  it('names its steps for people', () => {
    const record = new CaseRecord();
    record.setMark('2.25.1', box('2.25.1'), 'draw box');
    expect(record.undoTitle).toBe('draw box');
    expect(record.redoTitle).toBeNull();
    record.undo();
    expect(record.redoTitle).toBe('draw box');
  });
});

describe('how things look', () => {
  it('is a step, merges while it is dragged, and is nothing where it says nothing', () => {
    const record = new CaseRecord();
    record.setLook('class:lesion', { hidden: true }, 'hide');
    for (const opacity of [0.4, 0.5, 0.6])
      record.setLook('class:lesion', { opacity }, 'opacity', { typing: true });
    expect(record.steps).toEqual(['hide', 'opacity']);
    expect(record.look('class:lesion')).toEqual({ hidden: true, opacity: 0.6 });
    record.undo();
    expect(record.look('class:lesion')).toEqual({ hidden: true });
    record.setLook('class:lesion', { hidden: false }, 'show');
    expect(record.looks.size).toBe(0);
    record.setLook('class:lesion', { hidden: false }, 'show');
    expect(record.steps).toEqual(['hide', 'show']);
    record.undo();
    expect(record.look('class:lesion')).toEqual({ hidden: true });
  });

  it('is stored for segments and for marks that are there', () => {
    const record = new CaseRecord();
    record.setMark('2.25.1', box('2.25.1'), 'draw');
    record.setLook('2.25.1', { colour: '#00ff00' }, 'recolour');
    record.setLook('class:lesion', { locked: true }, 'lock');
    record.setMark('2.25.1', null, 'delete');
    const stored = [{ target: 'class:lesion', locked: true }];
    expect(looksToStore(record.looks, record.marks)).toEqual(stored);
    record.undo();
    expect(looksToStore(record.looks, record.marks)).toHaveLength(2);
    record.load({ answers: [], marks: [], looks: stored });
    expect(record.look('class:lesion')).toEqual({ locked: true });
  });
});

describe('the list of steps', () => {
  it('leads to any state, and says which was passed last', () => {
    const record = new CaseRecord();
    record.labelmap(7, 2, 20, 20);
    const states = [snapshot(record)];
    const next = random(7);
    while (states.length < 12) {
      const before = record.steps.length;
      edit(record, next);
      if (record.steps.length > before) states.push(snapshot(record));
    }
    for (const position of [3, 11, 0, 7, 7, 1]) {
      record.goTo(position);
      expect(record.history.position).toBe(position);
      expect(snapshot(record)).toBe(states[position]);
      expect(record.history.steps).toHaveLength(11);
    }
    expect(record.goTo(1)).toBeNull();
    expect(record.goTo(2)).toBe(record.history.steps[1]);
  });

  it('keeps a stated number of steps, and counts the ones before', () => {
    const record = new CaseRecord();
    for (let i = 0; i < STEPS_KEPT + 25; i++) record.setAnswer('size', i + 1, 'answer');
    expect(record.history.steps).toHaveLength(STEPS_KEPT);
    expect(record.history.forgotten).toBe(25);
    record.goTo(0);
    expect(record.answer('size')).toBe(25);
  });

  it('is bounded in memory, however large the areas are', () => {
    const history = new History();
    const size = PATCH_BYTES_KEPT / 100;
    const starts = new Uint32Array(size / 2);
    const bytes = new Uint8Array(size / 2);
    const patch = { starts, lengths: starts, before: bytes, after: bytes };
    for (let i = 0; i < 40; i++) history.push({ kind: 'voxels', title: 'paint', at: 0, series: 7, patch });
    const kept = history.steps.length;
    expect(kept * patchBytes(patch)).toBeLessThanOrEqual(PATCH_BYTES_KEPT);
    expect((kept + 1) * patchBytes(patch)).toBeGreaterThan(PATCH_BYTES_KEPT);
    expect(history.forgotten).toBe(40 - kept);
  });
});

describe('what was deleted', () => {
  it('can be restored, and is no longer listed once it is', () => {
    const record = new CaseRecord();
    record.setMark('2.25.1', box('2.25.1'), 'draw');
    record.setMark('2.25.1', box('2.25.1', 5), 'move');
    record.setMark('2.25.1', null, 'delete');
    expect([...record.deleted.values()]).toEqual([box('2.25.1', 5)]);
    record.undo();
    expect(record.deleted.size).toBe(0);
    record.redo();
    expect(record.deleted.size).toBe(1);
    record.setMark('2.25.1', box('2.25.1', 5), 'restore');
    expect(record.deleted.size).toBe(0);
  });

  it('holds nothing that was never there: a drawing that is undone', () => {
    const record = new CaseRecord();
    record.setMark('2.25.1', box('2.25.1'), 'draw');
    record.undo();
    expect(record.deleted.size).toBe(0);
  });
});

describe('a record', () => {
  it('tells who listens what changed', () => {
    const record = new CaseRecord();
    const heard: Change[] = [];
    const stop = record.onChange((change) => heard.push(change));
    record.setAnswer('finding', 'yes', 'answer');
    record.setMark('2.25.1', box('2.25.1'), 'draw');
    paint(record, 5);
    stop();
    record.undo();
    expect(heard).toEqual([
      { kind: 'answer', question: 'finding', target: '' },
      { kind: 'mark', uid: '2.25.1' },
      { kind: 'voxels', series: 7, frames: [0] },
    ]);
  });

  it('makes no step of an answer that is the same', () => {
    const record = new CaseRecord();
    record.setAnswer('finding', 'yes', 'answer');
    record.setAnswer('finding', 'yes', 'answer');
    expect(record.steps).toHaveLength(1);
  });

  it('treats an empty answer as none', () => {
    const record = new CaseRecord();
    record.setAnswer('remark', 'x', 'answer');
    record.setAnswer('remark', '', 'answer');
    expect(record.answers).toEqual([]);
  });

  it('keeps answers about different things apart', () => {
    const record = new CaseRecord();
    record.setAnswer('shape', 'round', 'answer', { target: '2.25.1' });
    record.setAnswer('shape', 'oval', 'answer', { target: '2.25.2' });
    expect(record.answer('shape', '2.25.1')).toBe('round');
    expect(record.answer('shape')).toBeNull();
  });

  it('starts a fresh history with what it loads', () => {
    const record = new CaseRecord();
    record.setAnswer('finding', 'yes', 'answer');
    record.load({ answers: [], marks: [box('2.25.9')] }, new Map([[7, new Labelmap(1, 2, 2)]]));
    expect(record.undo()).toBeNull();
    expect([...record.marks.keys()]).toEqual(['2.25.9']);
    expect(record.answers).toEqual([]);
  });
});

it('the text of a mark is one step of the history, however many letters it has', () => {
  const record = new CaseRecord();
  record.setMark('1', box('1'), 'draw');
  for (const text of ['s', 'sp', 'spur']) {
    record.setMark('1', { ...box('1'), text }, 'write', { typing: true });
  }
  expect(record.steps).toEqual(['draw', 'write']);
  record.undo();
  expect(record.marks.get('1')?.text).toBe('');
  record.redo();
  expect(record.marks.get('1')?.text).toBe('spur');
});

it('knows which answers to prompts are part of it, whatever is loaded, undone or done again', () => {
  const record = new CaseRecord();
  const first = { prompted: 4, seconds: 2 };
  record.load({ answers: [], marks: [], prompted: [first] });
  const after = { prompted: 5, seconds: 3 };
  record.commitAll('segment by prompts', [{ kind: 'prompted', prompted: 5, before: null, after }]);
  expect([...record.prompted.values()]).toEqual([first, after]);
  record.undo();
  expect([...record.prompted.values()]).toEqual([first]);
  record.redo();
  expect([...record.prompted.values()]).toEqual([first, after]);
  record.load({ answers: [], marks: [] });
  expect(record.prompted.size).toBe(0);
});
