/** A piece of a frame enlarged into a picture: bilinear between pixel centres, windowed as the image is. */

import type { PaintedFrame } from './lens';
import type { Point } from './types';
import type { Range } from './windows';

export interface Piece {
  pixels: ArrayLike<number>;
  rows: number;
  columns: number;
  range: Range;
  inverted: boolean;
  /** The pixel in the middle of the picture, and the way from one of its pixels to the next. */
  middle: Point;
  across: Point;
  down: Point;
  painted: PaintedFrame | null;
}

type Picture = Pick<ImageData, 'data' | 'width' | 'height'>;

const PAINTED = 0.35;

/** Beyond the edges of the frame the picture is black. */
export function magnify({ data, width, height }: Picture, piece: Piece): void {
  const { middle, across, down } = piece;
  const sample = sampler(piece);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [i, j] = [x - (width - 1) / 2, y - (height - 1) / 2];
      const column = middle[0] + i * across[0] + j * down[0];
      const row = middle[1] + i * across[1] + j * down[1];
      sample(column, row, data, 4 * (y * width + x));
    }
  }
}

type Sample = (column: number, row: number, into: Uint8ClampedArray, at: number) => void;

function sampler({ pixels, rows, columns, range, inverted, painted }: Piece): Sample {
  const channels = Math.round(pixels.length / (rows * columns));
  const grey = channels === 1;
  const { lower, upper } = grey ? range : { lower: 0, upper: 255 };
  const scale = 255 / Math.max(upper - lower, Number.EPSILON);
  const shade = (value: number): number => {
    const level = (value - lower) * scale;
    return inverted ? 255 - level : level;
  };
  const value = (column: number, row: number, channel: number): number => {
    const left = Math.min(Math.max(Math.floor(column), 0), columns - 1);
    const top = Math.min(Math.max(Math.floor(row), 0), rows - 1);
    const right = Math.min(left + 1, columns - 1);
    const bottom = Math.min(top + 1, rows - 1);
    const x = Math.min(Math.max(column - left, 0), 1);
    const y = Math.min(Math.max(row - top, 0), 1);
    const at = (c: number, r: number) => pixels[(r * columns + c) * channels + channel] as number;
    const above = at(left, top) * (1 - x) + at(right, top) * x;
    return above * (1 - y) + (at(left, bottom) * (1 - x) + at(right, bottom) * x) * y;
  };
  return (column, row, into, at) => {
    into[at + 3] = 255;
    if (column < -0.5 || row < -0.5 || column >= columns - 0.5 || row >= rows - 0.5) return;
    const label = painted?.values[Math.round(row) * columns + Math.round(column)] ?? 0;
    const colour = label ? painted?.colours[label] : undefined;
    for (let channel = 0; channel < 3; channel++) {
      const level = Math.min(Math.max(shade(value(column, row, grey ? 0 : channel)), 0), 255);
      into[at + channel] = colour ? level * (1 - PAINTED) + (colour[channel] as number) * PAINTED : level;
    }
  };
}
