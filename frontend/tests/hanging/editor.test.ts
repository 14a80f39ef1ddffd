import { describe, expect, it } from 'vitest';
import { Editor } from '../../src/pages/hanging/editor.svelte';
import {
  blank,
  codeFor,
  placeOf,
  type Protocol,
  resized,
  withCondition,
  withPane,
  wordsOf,
} from '../../src/pages/hanging/protocols';

const names = (editor: Editor) => editor.protocols.map(({ name }) => name);
function loaded(...wanted: string[]): Editor {
  const editor = new Editor();
  editor.load(
    3,
    wanted.map((name) => blank(name, [])),
  );
  return editor;
}

describe('the list of protocols', () => {
  it('is as the server holds it until something changes', () => {
    const editor = loaded('A', 'B');
    expect([editor.base, editor.dirty, editor.canUndo]).toEqual([3, false, false]);
    editor.add('C');
    expect([names(editor), editor.dirty, editor.current?.name]).toEqual([['A', 'B', 'C'], true, 'C']);
  });

  it('gives back what was deleted, moved, copied and changed, step by step', () => {
    const editor = loaded('A', 'B', 'C');
    editor.remove(0);
    editor.move(1, -1);
    editor.duplicate(0, 'Copy of C');
    editor.change({ ...(editor.current as Protocol), name: 'D' });
    expect(names(editor)).toEqual(['C', 'D', 'B']);
    for (const before of [
      ['C', 'Copy of C', 'B'],
      ['C', 'B'],
      ['B', 'C'],
      ['A', 'B', 'C'],
    ]) {
      editor.undo();
      expect(names(editor)).toEqual(before);
    }
    expect([editor.canUndo, editor.dirty]).toEqual([false, false]);
    editor.redo();
    expect(names(editor)).toEqual(['B', 'C']);
  });

  it('never gives two protocols one code', () => {
    const editor = loaded('CT chest');
    editor.duplicate(0, 'CT chest');
    editor.add('CT  Chest!');
    expect(editor.protocols.map(({ code }) => code)).toEqual(['ct-chest', 'ct-chest-2', 'ct-chest-3'].sort());
  });

  it('stays where it is at its ends', () => {
    const editor = loaded('A', 'B');
    editor.move(0, -1);
    editor.move(1, 1);
    expect(names(editor)).toEqual(['A', 'B']);
    expect(editor.canUndo).toBe(false);
  });

  it('keeps its steps when it was saved', () => {
    const editor = loaded('A');
    editor.add('B');
    editor.load(4, editor.protocols, { keep: true });
    expect([editor.base, editor.dirty, editor.canUndo]).toEqual([4, false, true]);
  });
});

describe('a protocol', () => {
  const protocol = blank('A', []);

  it('has a rule for each pane of its layout', () => {
    const wide = resized(protocol, { rows: 1, columns: 3 });
    expect(wide.panes.map((pane) => pane?.number)).toEqual([1, 2, 3]);
    expect(resized(wide, { rows: 1, columns: 1 }).panes).toHaveLength(1);
    expect(withPane(wide, 1, null).panes[1]).toBeNull();
  });

  it('has no condition of what was cleared', () => {
    const some = withCondition(protocol, { modality: ['CT'], prior: true, series: { min: 2 } });
    expect(withCondition(some, { modality: [], series: {} }).when).toEqual({ prior: true });
    expect(withCondition(some, { prior: undefined }).when).not.toHaveProperty('prior');
  });
});

it('words are separated by commas, each once', () => {
  expect(wordsOf(' CT, MR,,CT ,')).toEqual(['CT', 'MR']);
});

it('a code is made of a name', () => {
  expect(codeFor('Thorax: Übersicht', [])).toBe('thorax-u-bersicht');
  expect(codeFor('***', ['protocol'])).toBe('protocol-2');
});

it('a problem names the protocol that it is in', () => {
  expect(placeOf('protocols.2.panes')).toBe(2);
  expect(placeOf('base')).toBe(-1);
});
