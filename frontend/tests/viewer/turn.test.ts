import { expect, it } from 'vitest';
import { flipped, isSideways, rotated, type Turn, UPRIGHT } from '../../src/viewer/turn';

type Place = readonly [x: number, y: number];

/** Where a point of the upright picture (x to the right, y down, from its middle) lies on the screen. */
function shown({ rotation, mirrored }: Turn, [x, y]: Place): Place {
  let [a, b] = [mirrored ? -x : x, y];
  for (let quarter = 0; quarter < rotation / 90; quarter++) [a, b] = [-b, a];
  return [a + 0, b + 0];
}

const ALL: Turn[] = ([0, 90, 180, 270] as const).flatMap((rotation) =>
  [false, true].map((mirrored) => ({ rotation, mirrored })),
);
const POINT: Place = [1, 2];

it.each(ALL)('from %o, each step does on the screen what it says', (turn) => {
  const [x, y] = shown(turn, POINT);
  expect(shown(rotated(turn, 1), POINT)).toEqual([-y + 0, x]);
  expect(shown(rotated(turn, -1), POINT)).toEqual([y, -x + 0]);
  expect(shown(flipped(turn, 'horizontal'), POINT)).toEqual([-x + 0, y]);
  expect(shown(flipped(turn, 'vertical'), POINT)).toEqual([x, -y + 0]);
});

it('four turns, and two flips, lead back', () => {
  let turn = UPRIGHT;
  for (let i = 0; i < 4; i++) turn = rotated(turn, -1);
  expect(turn).toEqual(UPRIGHT);
  expect(flipped(flipped(UPRIGHT, 'vertical'), 'vertical')).toEqual(UPRIGHT);
});

it('lies on its side after a quarter', () => {
  expect(isSideways(rotated(UPRIGHT, 1))).toBe(true);
  expect(isSideways(rotated(rotated(UPRIGHT, 1), 1))).toBe(false);
});
