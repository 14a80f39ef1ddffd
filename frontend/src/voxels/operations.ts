/**
 * What can be done to a segment as a whole: from the labelmap to a patch of it. A segment grows over
 * background alone, unless the operation takes another segment over; locked segments stay as they are.
 */

import { filledBetween } from './between';
import { type Combination, combined } from './combine';
import { type Box, boxAround, cut, eachFrame, emptyMask, type Grid, type Mask, type Range } from './grid';
import { rowsOf, type Spacing, widened } from './grid';
import { largest, withoutHoles, withoutSmall } from './islands';
import { grown, shrunk } from './margin';
import { PatchBuilder, type VoxelPatch } from './patch';
import { spansOf, type Vertex } from './polygon';

/** On the frame shown, on every frame by itself, or in space. */
export const EXTENTS = ['image', 'images', 'volume'] as const;
export type Extent = (typeof EXTENTS)[number];

export interface Outline {
  frame: number;
  points: readonly Vertex[];
}

/** What a segment is combined with: another one and so many mm around it, or what outlines enclose. */
export type Operand = { value: number; marginMm: number } | { outlines: readonly Outline[] };

export type Operation =
  | { kind: 'grow' | 'shrink'; amount: number; unit: 'mm' | 'voxels'; extent: Extent }
  | { kind: 'fill'; extent: Extent }
  | { kind: 'largest'; extent: Extent }
  | { kind: 'clear'; extent: Extent }
  | { kind: 'islands'; atLeast: number; extent: Extent }
  | { kind: 'combine'; how: Combination; with: Operand; extent: Extent }
  | { kind: 'interpolate' }
  | { kind: 'copy'; by: 1 | -1 };

export interface Job {
  bytes: Uint8Array;
  grid: Grid;
  spacing: Spacing;
  /** The frame shown. */
  frame: number;
  /** The segment's value. */
  value: number;
  /** Values that must stay as they are. */
  locked: readonly number[];
  operation: Operation;
}

export type Progress = (part: number) => void;

/** What the operation changes; null if nothing. The labelmap itself is left as it is. */
export function patchOf(job: Job, progress: Progress = () => undefined): VoxelPatch | null {
  const { operation } = job;
  if (job.locked.includes(job.value)) return null;
  if (operation.kind === 'copy') return copied(job, operation.by);
  const range = rangeOf(job);
  const box = boxOf(job, range);
  if (!box) return null;
  const mask = cut(job.bytes, job.grid, box, job.value);
  progress(0.05);
  const made = changed(job, mask, box, (part) => progress(0.05 + 0.9 * part));
  return difference(job, box, made);
}

function rangeOf({ operation, frame, grid }: Job): Range {
  const here = 'extent' in operation && operation.extent === 'image';
  return here ? { first: frame, last: frame } : { first: 0, last: grid.frames - 1 };
}

function spacingOf(job: Job): Spacing {
  const { operation, spacing } = job;
  const flat = 'extent' in operation && operation.extent !== 'volume';
  const plain = 'unit' in operation && operation.unit === 'voxels';
  const { column, row, frame } = plain
    ? { column: 1, row: 1, frame: spacing.frame === null ? null : 1 }
    : spacing;
  return { column, row, frame: flat ? null : frame };
}

/** The part of the labelmap that the operation may look at or change. */
function boxOf(job: Job, range: Range): Box | null {
  const { operation, bytes, grid, value } = job;
  const wanted = new Uint8Array(256);
  wanted[value] = 1;
  if (operation.kind === 'combine') {
    if ('outlines' in operation.with) {
      const { first, last } = range;
      return { frame: first, row: 0, column: 0, ...grid, frames: last - first + 1 };
    }
    wanted[operation.with.value] = 1;
  }
  const box = boxAround(bytes, grid, wanted, range);
  return box && widened(box, marginOf(job), grid, range);
}

function marginOf(job: Job): [number, number, number] {
  const { operation } = job;
  const spacing = spacingOf(job);
  const around = (mm: number): [number, number, number] => [
    spacing.frame === null ? 0 : Math.ceil(mm / spacing.frame),
    Math.ceil(mm / spacing.row),
    Math.ceil(mm / spacing.column),
  ];
  if (operation.kind === 'grow') return around(operation.amount);
  if (operation.kind === 'combine' && 'value' in operation.with) return around(operation.with.marginMm);
  return [spacing.frame === null ? 0 : 1, 1, 1];
}

function changed(job: Job, mask: Mask, box: Box, progress: Progress): Mask {
  const { operation } = job;
  const spacing = spacingOf(job);
  switch (operation.kind) {
    case 'clear':
      return emptyMask(mask);
    case 'interpolate':
      return filledBetween(mask, spacing, progress);
    case 'combine':
      return combined(operation.how, mask, operandOf(job, operation.with, box));
    case 'copy':
      return mask;
    default: {
      const work = (part: Mask): Mask => reshaped(operation, part, spacing);
      return spacing.frame === null ? eachFrame(mask, work, progress) : work(mask);
    }
  }
}

type Reshaping = Exclude<Operation, { kind: 'clear' | 'interpolate' | 'combine' | 'copy' }>;

function reshaped(operation: Reshaping, mask: Mask, spacing: Spacing): Mask {
  switch (operation.kind) {
    case 'grow':
      return grown(mask, operation.amount, spacing);
    case 'shrink':
      return shrunk(mask, operation.amount, spacing);
    case 'fill':
      return withoutHoles(mask);
    case 'islands':
      return withoutSmall(mask, operation.atLeast);
    default:
      return largest(mask);
  }
}

function operandOf(job: Job, operand: Operand, box: Box): Mask {
  if ('value' in operand) {
    const other = cut(job.bytes, job.grid, box, operand.value);
    return operand.marginMm > 0 ? grown(other, operand.marginMm, spacingOf(job)) : other;
  }
  const mask = emptyMask(box);
  for (const { frame, points } of operand.outlines) {
    if (frame < box.frame || frame >= box.frame + box.frames) continue;
    for (const [row, from, to] of spansOf(points, box)) {
      const start = ((frame - box.frame) * box.rows + row) * box.columns;
      mask.bytes.fill(1, start + from, start + to + 1);
    }
  }
  return mask;
}

/** Values that the segment may take over where it grows. */
function yielding({ operation, locked, value }: Job): Uint8Array {
  const free = new Uint8Array(256);
  free[0] = 1;
  if (operation.kind === 'combine' && operation.how !== 'subtract' && 'value' in operation.with)
    free[operation.with.value] = 1;
  for (const one of [...locked, value]) free[one] = 0;
  return free;
}

function difference(job: Job, box: Box, made: Mask): VoxelPatch | null {
  const free = yielding(job);
  const builder = new PatchBuilder();
  for (const [whole, part] of rowsOf(box, job.grid)) {
    for (let i = 0; i < box.columns; i++) {
      const old = job.bytes[whole + i] as number;
      if (made.bytes[part + i]) {
        if (free[old]) builder.set(whole + i, old, job.value);
      } else if (old === job.value) builder.set(whole + i, old, 0);
    }
  }
  return builder.build();
}

/** The segment of the frame shown, painted on the next or the previous one where that is empty. */
function copied({ bytes, grid, frame, value }: Job, by: 1 | -1): VoxelPatch | null {
  const size = grid.rows * grid.columns;
  if (frame + by < 0 || frame + by >= grid.frames) return null;
  const builder = new PatchBuilder();
  for (let i = 0; i < size; i++) {
    const there = (frame + by) * size + i;
    if (bytes[frame * size + i] === value && bytes[there] === 0) builder.set(there, 0, value);
  }
  return builder.build();
}
