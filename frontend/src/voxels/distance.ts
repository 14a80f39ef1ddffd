/**
 * Exact Euclidean distances between voxel centres, in linear time, one axis after the other.
 * Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, Theory of Computing 8 (2012), 415-428.
 */

import type { Mask, Spacing } from './grid';

/** Squared distance where there is nothing to be near to; a power of two, which no array of floats rounds. */
export const NOWHERE = 2 ** 66;

interface Room {
  values: Float64Array;
  sites: Int32Array;
  borders: Float64Array;
}

const roomFor = (length: number): Room => ({
  values: new Float64Array(length),
  sites: new Int32Array(length),
  borders: new Float64Array(length + 1),
});

/** The lower envelope of the parabolas that stand on the values of one line. */
function envelope({ values, sites, borders }: Room, length: number, square: number): number {
  let top = -1;
  for (let at = 0; at < length; at++) {
    const height = values[at] as number;
    if (height === NOWHERE) continue;
    let border = -Infinity;
    for (; top >= 0; top--) {
      const site = sites[top] as number;
      const rise = height - (values[site] as number) + square * (at * at - site * site);
      border = rise / (2 * square * (at - site));
      if (border > (borders[top] as number)) break;
    }
    top += 1;
    sites[top] = at;
    borders[top] = top === 0 ? -Infinity : border;
  }
  return top;
}

function line(
  found: Float32Array,
  start: number,
  stride: number,
  length: number,
  square: number,
  room: Room,
): void {
  for (let i = 0; i < length; i++) room.values[i] = found[start + i * stride] as number;
  const top = envelope(room, length, square);
  if (top < 0) return;
  let at = 0;
  for (let i = 0; i < length; i++) {
    while (at < top && (room.borders[at + 1] as number) < i) at += 1;
    const site = room.sites[at] as number;
    found[start + i * stride] = square * (i - site) ** 2 + (room.values[site] as number);
  }
}

/**
 * For every voxel the squared distance, in the unit of the spacing, to the nearest voxel that is `to` (1
 * inside, 0 outside). What lies beyond the mask's edge does not count. Without a spacing between frames,
 * each frame is by itself.
 */
export function squaredDistances(mask: Mask, spacing: Spacing, to: 0 | 1): Float32Array {
  const { frames, rows, columns, bytes } = mask;
  const found = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) found[i] = bytes[i] === to ? 0 : NOWHERE;
  const room = roomFor(Math.max(frames, rows, columns));
  const size = rows * columns;
  const axis = (starts: Iterable<number>, stride: number, length: number, step: number) => {
    for (const start of starts) line(found, start, stride, length, step ** 2, room);
  };
  axis(every(frames * rows, columns), 1, columns, spacing.column);
  for (let frame = 0; frame < frames; frame++)
    axis(every(columns, 1, frame * size), columns, rows, spacing.row);
  if (spacing.frame !== null && frames > 1) axis(every(size, 1), size, frames, spacing.frame);
  return found;
}

function* every(count: number, step: number, from = 0): Generator<number> {
  for (let i = 0; i < count; i++) yield from + i * step;
}

/** Distance to the edge of a shape: below 0 inside, above 0 outside. */
export function signedDistances(mask: Mask, spacing: Spacing): Float32Array {
  const outside = squaredDistances(mask, spacing, 1);
  const inside = squaredDistances(mask, spacing, 0);
  return outside.map((square, i) => (square > 0 ? Math.sqrt(square) : -Math.sqrt(inside[i] as number)));
}
