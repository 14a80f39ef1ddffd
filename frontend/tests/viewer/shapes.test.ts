import { describe, expect, it } from 'vitest';
import { planeOf } from '../../src/viewer/plane';
import { drawMark, isOutside, readPoints, SHAPES } from '../../src/viewer/shapes';
import { DRAWN_KINDS, type DrawnKind, type Mark, type Point } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const POINTS: Record<DrawnKind, Point[]> = {
  box: [
    [10.5, 20.25],
    [30, 40],
  ],
  ellipse: [
    [20, 10],
    [20, 50],
    [10, 30],
    [30, 30],
  ],
  length: [
    [5, 6],
    [50.125, 7],
  ],
  circle: [
    [30, 30],
    [34.5, 31],
  ],
  contour: [
    [1, 1],
    [9, 2],
    [8, 9],
    [2, 7],
  ],
  polyline: [
    [1, 1],
    [9, 2.125],
    [8, 9],
  ],
  bidirectional: [
    [10, 10],
    [40, 10],
    [25, 5],
    [25, 17],
  ],
  angle: [
    [10, 10],
    [20, 30],
    [40, 30],
  ],
  cobb_angle: [
    [10, 10],
    [40, 12],
    [12, 50],
    [42, 40],
  ],
  landmark: [[7.25, 9]],
  arrow: [
    [20, 20],
    [50, 10],
  ],
};

const mark = (kind: DrawnKind, points_px: Point[] = POINTS[kind]): Mark => ({
  tracking_uid: '2.25.1',
  kind,
  label_class: 'lesion',
  sop_instance_uid: '1.2.0',
  frame: 1,
  points_px,
  mask: null,
  series: null,
  text: '',
});

const c = Math.SQRT1_2;
const PLANES = {
  axial: planeOf(fakeSeries({ position: [-100, 50, 12], spacing: [0.7, 0.7] }), 0),
  oblique: planeOf(fakeSeries({ orientation: [c, c, 0, 0, 0, -1], spacing: [0.5, 1.5] }), 0),
};

describe.each(DRAWN_KINDS)('a %s', (kind) => {
  it.each(Object.entries(PLANES))('is read back from its drawing as it was stored (%s)', (_, plane) => {
    expect(readPoints(kind, drawMark(mark(kind), plane), plane)).toEqual(POINTS[kind]);
  });

  it('has a tool of its own', () => {
    expect(SHAPES[kind].tool).toBeTruthy();
  });
});

describe('what is drawn', () => {
  it('is a box from its top left to its bottom right, whatever corner it was drawn from', () => {
    const plane = PLANES.axial;
    const backwards = drawMark(
      mark('box', [
        [30, 40],
        [10, 20],
      ]),
      plane,
    );
    expect(readPoints('box', backwards, plane)).toEqual([
      [10, 20],
      [30, 40],
    ]);
  });

  it('has the longer axis of an ellipse first, drawn upwards or downwards', () => {
    const handles = (points: Point[]) => SHAPES.ellipse.read({ handles: points, outline: [] });
    const wide: Point[] = [
      [0, 20],
      [40, 20],
      [20, 15],
      [20, 25],
    ];
    const [left, right, top, bottom] = wide as [Point, Point, Point, Point];
    expect(handles([bottom, top, left, right])).toEqual(wide);
    expect(handles([top, bottom, right, left])).toEqual(wide);
  });

  it.each([
    [
      'box',
      [
        [5, 5],
        [5.4, 30],
      ],
    ],
    [
      'length',
      [
        [5, 5],
        [5.2, 5.2],
      ],
    ],
    [
      'contour',
      [
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'polyline',
      [
        [1, 1],
        [1.2, 1.1],
      ],
    ],
    [
      'angle',
      [
        [1, 1],
        [20, 20],
        [20, 20],
      ],
    ],
  ] as [DrawnKind, Point[]][])('is nothing if it is too small to mean anything: %s', (kind, points) => {
    expect(SHAPES[kind].isEmpty(points)).toBe(true);
    expect(SHAPES[kind].isEmpty(POINTS[kind])).toBe(false);
  });

  it('is nothing where all of it lies beyond the edge of the image', () => {
    const reaching: Point[] = [
      [-3, 4],
      [-0.5, 4],
    ];
    expect(isOutside(reaching, 8, 10)).toBe(false);
    expect(isOutside([[10, 4]], 8, 10)).toBe(true);
    expect(isOutside([[9.5, 7.5]], 8, 10)).toBe(false);
  });
});
