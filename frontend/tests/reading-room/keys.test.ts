import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ACTIONS, type Actions } from '../../src/keys/actions';
import { keysFor } from '../../src/keys/profiles';
import { shortcutsOf, toolsFor } from '../../src/pages/reading-room/keys';
import { DRAWN_KINDS, type MarkKind } from '../../src/viewer/types';

const kinds: MarkKind[] = [...DRAWN_KINDS, 'labelmap'];
const offered = {
  presets: [],
  frames: 2,
  classes: [],
  marks: kinds,
  options: [],
  corrects: false,
  explained: true,
  newerForm: false,
  suggests: true,
  prompts: true,
  previews: true,
};
const keysOf = (given: Partial<typeof offered> | { options: { key: string; label: string }[] }, own = {}) =>
  shortcutsOf({} as Actions, { ...offered, ...given }, keysFor('default', own));

it('the letters that no option may have are those that the room acts on', () => {
  const schema = readFileSync(new URL('../../../annotation/schema.py', import.meta.url), 'utf8');
  const reserved = /^ROOM_KEYS = frozenset\("([a-z]+)"\)$/m.exec(schema)?.[1];
  const letters = keysOf({}).flatMap(({ keys }) =>
    keys.map((key) => key.replace('Shift+', '').toLowerCase()),
  );
  const single = [...new Set(letters.filter((keys) => /^[a-z]$/.test(keys)))].sort();
  expect(single.join('')).toBe(reserved);
});

it('no key is bound twice', () => {
  const options = [...'123'].map((key) => ({ key, label: key }));
  const keys = keysOf({ options }).flatMap((shortcut) => shortcut.keys);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

it('a key that answers a question does nothing else, even if the reader gave it away', () => {
  const live = keysOf({ options: [{ key: 'V', label: 'Valid' }] }, { 'tool.brush': ['v'] });
  expect(live.find(({ id }) => id === 'tool.brush')?.keys).toEqual([]);
  expect(live.filter(({ keys }) => keys.some((key) => key.toLowerCase() === 'v'))).toHaveLength(1);
});

it('an action does with its own key what it did with the default one', () => {
  const done: string[] = [];
  const room = { tool: (tool: string) => done.push(tool) } as unknown as Actions;
  const live = shortcutsOf(room, offered, keysFor('default', { 'tool.box': ['x'] }));
  live.find(({ keys }) => keys.includes('x'))?.run();
  expect(done).toEqual(['box']);
});

it('names what a case has, and offers nothing that it has not', () => {
  const classes = [{ code: 'a', name: 'Node', colour: '#fff', value: 1 }];
  const live = shortcutsOf({} as Actions, { ...offered, marks: ['box'], classes }, keysFor('default'));
  const ids = live.map(({ id }) => id);
  expect(live.find(({ id }) => id === 'class.1')?.label).toBe('Class: Node');
  expect(ids).toContain('tool.box');
  for (const id of ['class.2', 'tool.brush', 'brush.ball', 'preset.1', 'window.enter'])
    expect(ids).not.toContain(id);
});

it('a reading that is corrected can neither be skipped nor be put in question', () => {
  const keysWith = (corrects: boolean) => keysOf({ corrects }).flatMap(({ keys }) => keys);
  expect(keysWith(false)).toEqual(expect.arrayContaining(['s', 'Shift+i']));
  expect(keysWith(true)).not.toContain('s');
  expect(keysWith(true)).not.toContain('Shift+i');
});

it('every tool that a schema gives has a key', () => {
  const keyed = new Set(ACTIONS.filter(({ keys }) => keys.length > 0).map(({ id }) => id));
  expect(toolsFor(kinds).filter((tool) => !keyed.has(`tool.${tool}`))).toEqual([]);
});
