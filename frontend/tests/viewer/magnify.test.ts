import { expect, it } from 'vitest';
import { magnify, type Piece } from '../../src/viewer/magnify';

const pixels = Float32Array.from({ length: 80 }, (_, i) => i * 3);
const piece: Piece = {
  pixels,
  rows: 8,
  columns: 10,
  range: { lower: 0, upper: 255 },
  inverted: false,
  middle: [4, 3],
  across: [1, 0],
  down: [0, 1],
  painted: null,
};

function picture(changes: Partial<Piece> = {}, size = 5): number[][] {
  const data = new Uint8ClampedArray(size * size * 4);
  magnify({ data, width: size, height: size }, { ...piece, ...changes });
  return Array.from({ length: size * size }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
}
const reds = (...given: Parameters<typeof picture>) => picture(...given).map(([red]) => red);
const at = (column: number, row: number) => (row * 10 + column) * 3;

it('shows the pixels themselves where it enlarges by one', () => {
  expect(reds({}, 3)).toEqual([2, 3, 4].flatMap((row) => [3, 4, 5].map((column) => at(column, row))));
});

it('is turned and mirrored as the image is', () => {
  const turned = reds({ across: [0, -1], down: [1, 0] }, 3);
  expect(turned.slice(0, 3)).toEqual([at(3, 4), at(3, 3), at(3, 2)]);
});

it('goes over from one pixel to the next between their centres', () => {
  const row = reds({ across: [1 / 3, 0], down: [0, 0.5] }, 3).slice(3, 6);
  expect(row).toEqual([101, 102, 103]);
});

it('has the window and the inversion of the image', () => {
  expect(reds({ range: { lower: 60, upper: 110 }, inverted: true }, 1)).toEqual([
    Math.round(255 - ((at(4, 3) - 60) * 255) / 50),
  ]);
  expect(reds({ range: { lower: 200, upper: 210 } }, 1)).toEqual([0]);
});

it('is black beyond the edges', () => {
  expect(reds({ middle: [0, 0] }, 3).slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(reds({ middle: [0, 0] }, 3)[5]).toBe(at(1, 0));
});

it('shows colour as it is, and what is painted in the colour of its class', () => {
  const colour = Uint8Array.from({ length: 240 }, (_, i) => i);
  expect(picture({ pixels: colour }, 1)).toEqual([[102, 103, 104]]);
  const values = new Uint8Array(80);
  values[34] = 2;
  const [mixed] = picture(
    {
      painted: {
        values,
        colours: [
          [0, 0, 0],
          [0, 0, 0],
          [255, 0, 0],
        ],
      },
    },
    1,
  );
  expect(mixed?.[0]).toBeGreaterThan(at(4, 3));
  expect(mixed?.[1]).toBeLessThan(at(4, 3));
});
