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

/** Axis ends with the longer axis first, as DICOM orders them (PS3.3 C.18.6.1.2), whatever way it was drawn. */
function axes(handles: readonly Point[]): Point[] {
  const vertical = along(handles.slice(0, 2), 1);
  const horizontal = along(handles.slice(2, 4), 0);
  const upright = distance(...vertical) > distance(...horizontal);
  return upright ? [...vertical, ...horizontal] : [...horizontal, ...vertical];
}

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
      const [a, b, c, d] = points as [Point, Point, Point, Point];
      const upright = Math.abs(a[1] - b[1]) > Math.abs(a[0] - b[0]);
      const [top, bottom] = along(upright ? [a, b] : [c, d], 1);
      const [left, right] = along(upright ? [c, d] : [a, b], 0);
      return { handles: [bottom, top, left, right].map(world), outline: [] };
    },
    read: ({ handles }) => axes(handles),
    isEmpty: isFlat,
  },
  length: {
    tool: 'Length',
    draw: (points, world) => ({ handles: points.map(world), outline: [] }),
    read: ({ handles }) => handles.slice(0, 2),
    isEmpty: (points) => distance(points[0] as Point, points[1] as Point) < 1,
  },
  contour: {
    tool: 'PlanarFreehandROI',
    draw: (points, world) => ({ handles: [], outline: points.map(world) }),
    read: ({ outline }) => outline,
    isEmpty: (points) => points.length < 3 || isFlat(points),
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

/** The length of the mark in mm (px where the image is not calibrated); null for other kinds. */
export function measure(mark: Pick<Mark, 'kind' | 'points_px'>, plane: Plane): string | null {
  if (mark.kind !== 'length') return null;
  const [a, b] = mark.points_px as [Point, Point];
  const length = Math.hypot((a[0] - b[0]) * plane.columnSpacing, (a[1] - b[1]) * plane.rowSpacing);
  return `${length.toFixed(1)} ${plane.calibrated ? 'mm' : 'px'}`;
}
