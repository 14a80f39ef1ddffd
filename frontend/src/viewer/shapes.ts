/** What a drawn mark's points mean, and how the drawing library's handles are made from them and read back. */

import { type Plane, toPixel, toWorld } from './plane';
import type { DrawnKind, Mark, Point, Vector } from './types';

/** Thousandths of a pixel: finer than any hand, and short in a file. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const roundPoint = ([column, row]: Point): Point => [rounded(column), rounded(row)];

/** Handles and outline of a drawing, in patient space. */
export interface Drawing {
  handles: Vector[];
  outline: Vector[];
}

interface Shape {
  tool: string;
  /** From the record's points to where the handles belong. */
  draw: (points: readonly Point[], world: (point: Point) => Vector) => Drawing;
  /** From handles (or the outline) to the record's points. */
  read: (drawing: { handles: Point[]; outline: Point[] }) => Point[];
  /** Too small to mean anything: a slip of the hand. */
  isEmpty: (points: readonly Point[]) => boolean;
}

const extent = (points: readonly Point[], axis: 0 | 1): [number, number] => {
  const values = points.map((point) => point[axis]);
  return [Math.min(...values), Math.max(...values)];
};

function isFlat(points: readonly Point[]): boolean {
  const [left, right] = extent(points, 0);
  const [top, bottom] = extent(points, 1);
  return right - left < 1 || bottom - top < 1;
}

const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

function corners(points: readonly Point[]): Point[] {
  const [left, right] = extent(points, 0);
  const [top, bottom] = extent(points, 1);
  return [
    [left, top],
    [right, bottom],
  ];
}

const along = (points: readonly Point[], axis: 0 | 1): [Point, Point] =>
  [...points].sort((p, q) => p[axis] - q[axis]) as [Point, Point];

/** Above 0 for axes that stand rather than lie; at 45° those that fall to the right count as standing. */
function upright([from, to]: readonly [Point, Point]): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  return Math.abs(dy) - Math.abs(dx) || Math.sign(dx * dy) * Number.EPSILON;
}

/** Which of two axes stands, and which lies; ends from top to bottom and from left to right. */
function standing(ends: readonly Point[]): { vertical: [Point, Point]; horizontal: [Point, Point] } {
  const [a, b, c, d] = ends as [Point, Point, Point, Point];
  const first = upright([a, b]) >= upright([c, d]);
  return { vertical: along(first ? [a, b] : [c, d], 1), horizontal: along(first ? [c, d] : [a, b], 0) };
}

/** Axis ends with the longer axis first, as DICOM orders them (PS3.3 C.18.6.1.2), whatever way it was drawn. */
function axes(handles: readonly Point[]): Point[] {
  // Rounded first: what is stored must be read again as the same.
  const { vertical, horizontal } = standing(handles.map(roundPoint));
  const tall = distance(...vertical) > distance(...horizontal);
  return tall ? [...vertical, ...horizontal] : [...horizontal, ...vertical];
}

const isShort = (a: Point | undefined, b: Point | undefined): boolean => !a || !b || distance(a, b) < 1;

/** A mark whose points are its handles: as many as these, in the order of drawing. */
const points = (tool: string, count: number, isEmpty: Shape['isEmpty']): Shape => ({
  tool,
  draw: (all, world) => ({ handles: all.map(world), outline: [] }),
  read: ({ handles }) => handles.slice(0, count),
  isEmpty,
});

export const SHAPES: Record<DrawnKind, Shape> = {
  box: {
    tool: 'RectangleROI',
    draw: (points, world) => {
      const [[left, top], [right, bottom]] = points as [Point, Point];
      const ends: Point[] = [
        [left, top],
        [right, top],
        [left, bottom],
        [right, bottom],
      ];
      return { handles: ends.map(world), outline: [] };
    },
    read: ({ handles }) => corners(handles),
    isEmpty: isFlat,
  },
  ellipse: {
    tool: 'EllipticalROI',
    draw: (points, world) => {
      const { vertical, horizontal } = standing(points);
      const [[top, bottom], [left, right]] = [vertical, horizontal];
      return { handles: [bottom, top, left, right].map(world), outline: [] };
    },
    read: ({ handles }) => axes(handles),
    isEmpty: isFlat,
  },
  /** Its centre, and a point on it. */
  circle: points('CircleROI', 2, ([centre, edge]) => isShort(centre, edge)),
  length: points('Length', 2, ([from, to]) => isShort(from, to)),
  /** The ends of the long axis, then those of the short one. */
  bidirectional: points('Bidirectional', 4, ([a, b, c, d]) => isShort(a, b) || isShort(c, d)),
  /** The vertex is the second point. */
  angle: points('Angle', 3, ([from, vertex, to]) => isShort(from, vertex) || isShort(vertex, to)),
  /** The ends of one line, then those of the other. */
  cobb_angle: points('CobbAngle', 4, ([a, b, c, d]) => isShort(a, b) || isShort(c, d)),
  landmark: points('Probe', 1, (all) => all.length === 0),
  /** Its head, then its tail. */
  arrow: points('ArrowAnnotate', 2, ([head, tail]) => isShort(head, tail)),
  contour: {
    tool: 'PlanarFreehandROI',
    draw: (points, world) => ({ handles: [], outline: points.map(world) }),
    read: ({ outline }) => outline,
    isEmpty: (points) => points.length < 3 || isFlat(points),
  },
  polyline: {
    tool: 'OpenContour',
    draw: (points, world) => ({
      handles: [points[0], points.at(-1)].map((end) => world(end as Point)),
      outline: points.map(world),
    }),
    read: ({ outline }) => outline,
    isEmpty: (points) => points.every((point) => isShort(points[0], point)),
  },
};

export function kindOfTool(tool: string): DrawnKind | null {
  const found = Object.entries(SHAPES).find(([, shape]) => shape.tool === tool);
  return found ? (found[0] as DrawnKind) : null;
}

export function drawMark(mark: Mark, plane: Plane): Drawing {
  return SHAPES[mark.kind as DrawnKind].draw(mark.points_px, (point) => toWorld(plane, point));
}

export function readPoints(kind: DrawnKind, drawing: Drawing, plane: Plane): Point[] {
  const pixel = (world: Vector) => toPixel(plane, world);
  const read = SHAPES[kind].read({
    handles: drawing.handles.map(pixel),
    outline: drawing.outline.map(pixel),
  });
  return read.map(roundPoint);
}

/** Whether all of it lies beyond the edge of the image, where the server takes nothing. */
export function isOutside(points: readonly Point[], rows: number, columns: number): boolean {
  return !points.some(
    ([column, row]) => column >= -0.5 && column <= columns - 0.5 && row >= -0.5 && row <= rows - 0.5,
  );
}
