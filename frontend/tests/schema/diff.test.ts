import { describe, expect, it } from 'vitest';
import { differences, merged, same } from '../../src/pages/schema/diff';
import type { Document } from '../../src/pages/schema/document';
import { Editor } from '../../src/pages/schema/editor.svelte';
import { readFile, written } from '../../src/pages/schema/exchange';
import { at, placed, sorted, whereabouts, within } from '../../src/pages/schema/faults';

const text = (code: string, more: object = {}) => ({
  code,
  text: code.toUpperCase(),
  type: 'text' as const,
  ...more,
});
const label = (code: string, value: number, colour = '#e69f00') => ({ code, name: code, colour, value });
const BASE: Document = {
  classes: [label('a', 1), label('b', 2)],
  marks: ['box'],
  questions: [text('one'), text('two'), text('three')],
};
const short = (before: Document, after: Document) =>
  differences(before, after).map(({ kind, list, code }) => `${kind} ${list} ${code}`.trim());

describe('the difference of two versions', () => {
  it('is nothing where only the order of names and empty fields differ', () => {
    const again = { questions: BASE.questions, marks: BASE.marks, classes: BASE.classes } as Document;
    expect(differences(BASE, { ...again, required_marks: undefined } as Document)).toEqual([]);
    expect(same({ a: 1, b: null }, { a: 1 })).toBe(true);
    expect(same([1, 2], [2, 1])).toBe(false);
  });

  it('names what was added, removed and changed, with each field before and after', () => {
    const after: Document = {
      ...BASE,
      classes: [label('a', 1, '#56b4e9'), label('c', 3)],
      questions: [
        text('one', { required: true, show_if: { question: 'two', answered: true } }),
        text('two'),
        text('three'),
      ],
    };
    expect(short(BASE, after)).toEqual([
      'removed classes b', 'changed classes a', 'added classes c', 'changed questions one',
    ]); // prettier-ignore
    const [, colour, , question] = differences(BASE, after);
    expect(colour?.details).toEqual([{ field: 'Colour', from: '#e69f00', to: '#56b4e9' }]);
    expect(question?.details).toEqual([
      { field: 'An answer is required', from: '', to: 'yes' },
      { field: 'Shown when', from: '', to: '“TWO” is answered' },
    ]);
  });

  it('names the one item that was moved, not those that made room', () => {
    const questions = [text('three'), text('one'), text('two')];
    expect(short(BASE, { ...BASE, questions })).toEqual(['moved questions three']);
  });

  it('says what changed for all', () => {
    const [whole] = differences(BASE, { ...BASE, marks: ['box', 'landmark'], guideline: 'Look.' });
    expect(whole?.details).toEqual([
      { field: 'Kinds of mark', from: 'box', to: 'box, landmark' },
      { field: 'Guideline', from: '', to: 'Look.' },
    ]);
  });
});

describe('two changes put together', () => {
  it('hold both where they touch different parts', () => {
    const mine = { ...BASE, classes: [label('a', 1)], guideline: 'Mine.' };
    const theirs = { ...BASE, questions: [text('one'), text('two', { required: true }), text('four')] };
    const { document, clashes } = merged(BASE, mine, theirs);
    expect(clashes).toEqual([]);
    expect(document.classes?.map(({ code }) => code)).toEqual(['a']);
    expect(document.questions?.map(({ code }) => code)).toEqual(['one', 'two', 'four']);
    expect(document.questions?.[1]?.required).toBe(true);
    expect(document.guideline).toBe('Mine.');
  });

  it('name what both changed differently, and keep mine', () => {
    const change = (said: string): Document => ({
      ...BASE,
      questions: [text('one', { text: said }), text('two'), text('three')],
    });
    const { document, clashes } = merged(BASE, change('Mine?'), change('Theirs?'));
    expect(document.questions?.[0]?.text).toBe('Mine?');
    expect(clashes).toEqual(['Mine?']);
    expect(merged(BASE, change('Same?'), change('Same?')).clashes).toEqual([]);
  });

  it('do not bring back what I removed, nor what they removed', () => {
    const mine = { ...BASE, questions: [text('two'), text('three')] };
    const theirs = { ...BASE, questions: [text('one'), text('two')] };
    expect(merged(BASE, mine, theirs).document.questions?.map(({ code }) => code)).toEqual(['two']);
  });
});

describe('the editor', () => {
  it('takes what is typed into one field as one step, and another field as another', () => {
    const editor = new Editor();
    editor.load(4, BASE);
    for (const said of ['L', 'Lo', 'Look']) editor.change({ ...BASE, guideline: said }, 'guideline');
    editor.change({ ...editor.document, marks: [] }, 'marks');
    expect(editor.dirty).toBe(true);
    editor.undo();
    expect(editor.document.guideline).toBe('Look');
    editor.undo();
    expect(editor.document).toBe(BASE);
    expect([editor.dirty, editor.canUndo]).toEqual([false, false]);
    editor.redo();
    expect(editor.document.guideline).toBe('Look');
  });

  it('keeps its history when what it holds was stored', () => {
    const editor = new Editor();
    editor.load(1, BASE);
    editor.change({ ...BASE, guideline: 'New.' });
    editor.load(2, editor.document, { keep: true });
    expect([editor.base, editor.dirty, editor.canUndo]).toEqual([2, false, true]);
    editor.undo();
    expect([editor.dirty, editor.document.guideline]).toEqual([true, undefined]);
  });
});

describe('faults', () => {
  const faults = placed([
    { where: 'document.questions.2.options.0.key', message: 'Twice.' },
    { where: 'classes.1.code', message: 'No code.' },
    { where: 'questions.20', message: 'A scale needs options.' },
  ]);

  it('are found by their place, and not at one that only begins alike', () => {
    expect(at(faults, 'classes.1.code')).toBe('No code.');
    expect(within(faults, 'questions.2').map(({ message }) => message)).toEqual(['Twice.']);
    expect(whereabouts('questions.2.options.0.key')).toEqual({ section: 'questions', index: 2 });
    expect(whereabouts('pictures.0.alt')).toEqual({ section: 'guideline', index: -1 });
    expect(whereabouts('')).toEqual({ section: 'classes', index: -1 });
  });

  it('come in the order of the form', () => {
    expect(sorted(faults).map(({ where }) => where)).toEqual([
      'classes.1.code', 'questions.2.options.0.key', 'questions.20',
    ]); // prettier-ignore
  });
});

describe('a file', () => {
  it('is read as it was written', () => {
    expect(readFile(written(BASE))).toEqual({ document: BASE, left: [] });
  });

  it('may be a project document, and what a schema does not have is left out and named', () => {
    const odd = {
      slug: 'x',
      label_schema: { ...BASE, colour: 1, questions: [{ ...text('one'), min: 'low', extra: 2 }, 7] },
    };
    const read = readFile(JSON.stringify(odd));
    expect(read?.left).toEqual(['questions.0.min', 'questions.0.extra', 'questions.1', 'colour']);
    expect(read?.document.questions).toEqual([text('one')]);
  });

  it.each(['', '[]', '7', '{"a": 1}', 'classes: []'])(
    'is refused where it is no label schema: %s',
    (given) => {
      expect(readFile(given)).toBeNull();
    },
  );

  it('is made whole where a field is missing', () => {
    const read = readFile(
      '{"classes": [{}], "questions": [{"type": "guess", "options": [{}]}], "rules": [{}]}',
    );
    expect(read?.document).toEqual({
      classes: [{ code: '', name: '', colour: '#e69f00', value: 1 }],
      questions: [{ code: '', text: '', type: 'text', options: [{ label: '', value: '' }] }],
      rules: [{ code: '', then: {}, message: '' }],
    });
  });
});
