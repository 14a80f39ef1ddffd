/** Masks for tests: random ones, drawn ones, and slow answers to compare with. */
import fc from 'fast-check';
import type { Grid, Mask, Spacing } from '../../src/voxels/grid';

export function masks(most: Grid = { frames: 4, rows: 7, columns: 8 }): fc.Arbitrary<Mask> {
  return fc
    .record({
      frames: fc.integer({ min: 1, max: most.frames }),
      rows: fc.integer({ min: 1, max: most.rows }),
      columns: fc.integer({ min: 1, max: most.columns }),
    })
    .chain((grid) => masksOf(grid));
}

export function masksOf(grid: Grid): fc.Arbitrary<Mask> {
  const size = grid.frames * grid.rows * grid.columns;
  return fc
    .array(fc.integer({ min: 0, max: 1 }), { minLength: size, maxLength: size })
    .map((bytes) => ({ ...grid, bytes: Uint8Array.from(bytes) }));
}

export const spacings: fc.Arbitrary<Spacing> = fc.record({
  column: fc.constantFrom(0.5, 1, 1.25),
  row: fc.constantFrom(0.5, 1, 2),
  frame: fc.constantFrom(1, 3, null),
});

/** One frame, drawn with # and . */
export function drawing(...rows: string[]): Mask {
  const bytes = Uint8Array.from(rows.join(''), (sign) => (sign === '#' ? 1 : 0));
  return { frames: 1, rows: rows.length, columns: (rows[0] as string).length, bytes };
}

export function shown(mask: Mask): string[] {
  const text = Array.from(mask.bytes, (one) => (one ? '#' : '.')).join('');
  return Array.from({ length: mask.frames * mask.rows }, (_, row) =>
    text.slice(row * mask.columns, (row + 1) * mask.columns),
  );
}

export const count = (mask: Mask): number => mask.bytes.reduce((sum, one) => sum + one, 0);
export const holds = (outer: Mask, inner: Mask): boolean =>
  inner.bytes.every((one, i) => one <= (outer.bytes[i] as number));

export function placeOf({ rows, columns }: Grid, index: number): [number, number, number] {
  return [Math.floor(index / (rows * columns)), Math.floor(index / columns) % rows, index % columns];
}
