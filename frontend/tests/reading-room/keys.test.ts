import { expect, it } from 'vitest';
import { type Actions, keyOfTool, ROOM_KEYS, shortcutsOf, toolsFor } from '../../src/pages/reading-room/keys';
import { DRAWN_KINDS, type MarkKind } from '../../src/viewer/types';

const kinds: MarkKind[] = [...DRAWN_KINDS, 'labelmap'];
const offered = { presets: [], classes: [], marks: kinds, options: [], corrects: false };

it('the letters that no option may have are those that the room acts on', () => {
  const all = shortcutsOf({} as Actions, offered);
  const letters = all.map(({ keys }) => keys.replace('Shift+', '').toLowerCase());
  const single = [...new Set(letters.filter((keys) => /^[a-z]$/.test(keys)))].sort();
  expect(single.join('')).toBe(ROOM_KEYS);
});

it('no key is bound twice', () => {
  const options = [...'123'].map((key) => ({ key, label: key }));
  const all = shortcutsOf({} as Actions, { ...offered, options });
  const keys = all.map((shortcut) => shortcut.keys);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

it('a reading that is corrected can neither be skipped nor be put in question', () => {
  const keysWith = (corrects: boolean) =>
    shortcutsOf({} as Actions, { ...offered, corrects }).map(({ keys }) => keys);
  expect(keysWith(false)).toEqual(expect.arrayContaining(['s', 'Shift+i']));
  expect(keysWith(true)).not.toEqual(expect.arrayContaining(['s']));
  expect(keysWith(true)).not.toEqual(expect.arrayContaining(['Shift+i']));
});

it('every tool has a key, as it is written on a keyboard', () => {
  expect(toolsFor(kinds).map(keyOfTool)).not.toContain('');
  expect(keyOfTool('angle')).toBe('A');
  expect(keyOfTool('cobb_angle')).toBe('Shift+A');
});
