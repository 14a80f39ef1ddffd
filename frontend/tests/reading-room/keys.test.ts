import { expect, it } from 'vitest';
import { type Actions, ROOM_KEYS, shortcutsOf } from '../../src/pages/reading-room/keys';
import type { MarkKind } from '../../src/viewer/types';

const kinds: MarkKind[] = ['box', 'ellipse', 'contour', 'length', 'labelmap'];

it('the letters that no option may have are those that the room acts on', () => {
  const all = shortcutsOf({} as Actions, { presets: [], classes: [], marks: kinds, options: [] });
  const letters = all.map(({ keys }) => keys.replace('Shift+', '').toLowerCase());
  const single = [...new Set(letters.filter((keys) => /^[a-z]$/.test(keys)))].sort();
  expect(single.join('')).toBe(ROOM_KEYS);
});

it('no key is bound twice', () => {
  const options = [...'123'].map((key) => ({ key, label: key }));
  const all = shortcutsOf({} as Actions, { presets: [], classes: [], marks: kinds, options });
  const keys = all.map((shortcut) => shortcut.keys);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});
