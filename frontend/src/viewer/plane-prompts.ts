/** Prompts in planes across the images of a series: from the plane to its voxels, and what other planes show. */

import { planeOf, toPixel, toWorld } from './plane';
import {
  type Prompt,
  type PlanePrompt,
  type PromptMode,
  type SeenPrompt,
  thinned,
  thousandths,
} from './prompts';
import { distanceTo, fromVoxel, toVoxel } from './section';
import type { Point, SectionOf, SeriesDisplay, Vector } from './types';

/** As far off a picture, in steps to the next one, as what lies in it may be. */
const IN_PICTURE = 0.5 + 1e-6;

/** A prompt that was drawn in that plane, in its pixels; null where it lies outside the images altogether. */
export function promptAcross(
  drawn: readonly Point[],
  { positive, drag }: Pick<PromptMode, 'positive' | 'drag'>,
  planes: SeriesDisplay,
  index: number,
): PlanePrompt | null {
  const { box } = planes.section as SectionOf;
  const plane = planeOf(planes, index);
  const inside = (voxel: Vector): boolean =>
    voxel.every((at, axis) => at >= -0.5 && at <= (box.size[axis] as number) - 0.5);
  const voxelAt = (point: Point): Vector =>
    toVoxel(box, toWorld(plane, point)).map(thousandths) as unknown as Vector;
  const voxels = drawn.map(voxelAt);
  const [first] = drawn;
  if (!first || !voxels.some(inside)) return null;
  const meant = { positive, frame: null };
  if (drawn.length === 1) return { ...meant, kind: 'point', voxels };
  const last = drawn.at(-1) as Point;
  if (drag === 'box') {
    const corners: Point[] = [first, [last[0], first[1]], last, [first[0], last[1]]];
    return { ...meant, kind: 'box', positive: true, voxels: corners.map(voxelAt) };
  }
  const line = thinned(drawn.filter((_, at) => inside(voxels[at] as Vector)));
  return { ...meant, kind: 'scribble', voxels: line.map(voxelAt) };
}

/** Column, row and frame of each point; of a box, of its corners. */
function voxelsOf(prompt: Prompt): readonly Vector[] {
  if (prompt.frame === null) return prompt.voxels;
  const { frame, points, kind } = prompt;
  const on = ([column, row]: Point): Vector => [column, row, frame];
  const [[left, top], [right, bottom]] = [points[0], points.at(-1)] as [Point, Point];
  if (kind !== 'box') return points.map(on);
  return (
    [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ] as Point[]
  ).map(on);
}

interface Placed {
  at: Point;
  /** Pictures off this one; negative before it. */
  off: number;
}

function placer(series: SeriesDisplay, index: number): (voxel: Vector) => Placed {
  const { section } = series;
  if (!section) return ([column, row, frame]) => ({ at: [column, row], off: frame - index });
  const plane = planeOf(series, index);
  return (voxel) => {
    const world = fromVoxel(section.box, voxel);
    return { at: toPixel(plane, world), off: distanceTo(plane, world) / section.grid.step };
  };
}

/** What is seen of a prompt on a frame of its series, or in a plane through it; null if nothing is. */
export function seenIn(series: SeriesDisplay, index: number, prompt: Prompt): SeenPrompt | null {
  const placed = voxelsOf(prompt).map(placer(series, index));
  const { positive, kind } = prompt;
  const here = placed.filter(({ off }) => Math.abs(off) <= IN_PICTURE);
  if (kind === 'box') {
    const isWhole = here.length === placed.length;
    const points = isWhole ? placed.map(({ at }) => at) : crossed(placed);
    return points.length < 2
      ? null
      : { positive, sign: null, lines: [{ points, closed: isWhole }], isBox: true };
  }
  const [first] = here;
  if (!first) return null;
  const lines = kind === 'scribble' ? runs(placed).map((points) => ({ points, closed: false })) : [];
  return { positive, sign: first.at, lines, isBox: false };
}

/** The parts of a line that lie in the picture. */
function runs(placed: readonly Placed[]): Point[][] {
  const found: Point[][] = [[]];
  for (const { at, off } of placed) {
    if (Math.abs(off) <= IN_PICTURE) found.at(-1)?.push(at);
    else if (found.at(-1)?.length) found.push([]);
  }
  return found.filter((run) => run.length > 1);
}

/** Where the picture cuts the outline of a box. */
function crossed(corners: readonly Placed[]): Point[] {
  return corners.flatMap((from, at) => {
    const to = corners[(at + 1) % corners.length] as Placed;
    if (from.off > 0 === to.off > 0) return [];
    const share = from.off / (from.off - to.off);
    return [
      [0, 1].map(
        (i) => (from.at[i] as number) + share * ((to.at[i] as number) - (from.at[i] as number)),
      ) as unknown as Point,
    ];
  });
}
