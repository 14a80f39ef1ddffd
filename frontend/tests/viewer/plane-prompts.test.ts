import { describe, expect, it } from 'vitest';
import { promptAcross, seenIn } from '../../src/viewer/plane-prompts';
import type { PlanePrompt, Prompt } from '../../src/viewer/prompts';
import { planesOf, sample } from '../../src/viewer/section';
import { partIn } from '../../src/viewer/section-part';
import type { Point, SectionOf, Vector } from '../../src/viewer/types';
import { fakeSeries } from './fake-series';

const series = fakeSeries({ frames: 5, rows: 8, columns: 10 });
const sagittal = planesOf(series, 'sagittal');
const coronal = planesOf(series, 'coronal');
const axial = planesOf(series, 'axial');
const point = { positive: true, drag: 'box' } as const;
const scribble = { positive: false, drag: 'scribble' } as const;

const voxels = (drawn: Point[], mode: Parameters<typeof promptAcross>[1], planes = sagittal, index = 4) =>
  promptAcross(drawn, mode, planes, index)?.voxels;

describe('what is drawn in a plane', () => {
  it('lies in the voxels of the series under it: sagittal shows rows across, and the last image on top', () => {
    expect(voxels([[2, 1]], point)).toEqual([[4, 2, 3]]);
    expect(voxels([[7, 0]], point, coronal, 3)).toEqual([[7, 3, 4]]);
  });

  it('is a box with four corners in that plane', () => {
    const drawn: Point[] = [
      [1, 1],
      [3, 2],
      [5, 3],
    ];
    expect(promptAcross(drawn, { ...point, positive: false }, sagittal, 4)).toEqual({
      kind: 'box',
      positive: true,
      frame: null,
      voxels: [
        [4, 1, 3],
        [4, 5, 3],
        [4, 5, 1],
        [4, 1, 1],
      ],
    });
  });

  it('is a scribble with the points that lie within the images', () => {
    const drawn: Point[] = [
      [1, 1],
      [2, 1],
      [20, 1],
    ];
    expect(promptAcross(drawn, scribble, sagittal, 4)).toMatchObject({
      kind: 'scribble',
      positive: false,
      voxels: [
        [4, 1, 3],
        [4, 2, 3],
      ],
    });
  });

  it('is nothing outside the images', () => {
    expect(promptAcross([[30, 1]], point, sagittal, 4)).toBeNull();
    expect(promptAcross([], point, sagittal, 4)).toBeNull();
  });

  it('lies where the patient has it, however the images lean', () => {
    const lean = 0.2;
    const tilted = fakeSeries({
      frames: 5,
      rows: 30,
      columns: 30,
      orientation: [1, 0, 0, 0, Math.cos(lean), Math.sin(lean)],
    });
    for (const frame of tilted.frames)
      Object.assign(frame, {
        position: [0, -3 * frame.index * Math.sin(lean), 3 * frame.index * Math.cos(lean)],
      });
    const planes = planesOf(tilted, 'coronal');
    expect((planes.section as SectionOf).grid.aligned).toBe(false);
    const drawn: Point = [12, Math.floor(planes.rows / 2)];
    const index = Math.floor(planes.frame_count / 2);
    const made = promptAcross([drawn], point, planes, index) as PlanePrompt;
    const seen = seenIn(planes, index, made);
    expect(seen?.sign?.[0]).toBeCloseTo(drawn[0], 2);
    expect(seen?.sign?.[1]).toBeCloseTo(drawn[1], 2);
  });
});

describe('what is seen of a prompt', () => {
  const box: Prompt = {
    kind: 'box',
    positive: true,
    frame: 2,
    points: [
      [2, 1],
      [6, 5],
    ],
  };
  const click: Prompt = { kind: 'point', positive: false, frame: null, voxels: [[4, 2, 3]] };

  it('is its sign on the image and in each plane through it', () => {
    expect(seenIn(series, 3, click)).toMatchObject({ positive: false, sign: [4, 2] });
    expect(seenIn(series, 2, click)).toBeNull();
    expect(seenIn(sagittal, 4, click)?.sign).toEqual([2, 1]);
    expect(seenIn(coronal, 2, click)?.sign).toEqual([4, 1]);
    expect(seenIn(axial, 3, click)?.sign).toEqual([4, 2]);
    expect(seenIn(coronal, 3, click)).toBeNull();
  });

  it('is the whole box in its own plane, and a line where another cuts it', () => {
    expect(seenIn(series, 2, box)?.lines).toMatchObject([{ closed: true }]);
    const [line] = seenIn(sagittal, 4, box)?.lines ?? [];
    expect(line?.closed).toBe(false);
    expect([...(line?.points ?? [])].sort()).toEqual([
      [1, 2],
      [5, 2],
    ]);
    expect(seenIn(sagittal, 8, box)).toBeNull();
  });

  it('is the part of a scribble that lies there', () => {
    const line = [1, 2, 3].map((frame): Vector => [4, 2, frame]);
    const across: Prompt = { kind: 'scribble', positive: true, frame: null, voxels: line };
    expect(seenIn(sagittal, 4, across)?.lines[0]?.points).toHaveLength(3);
    expect(seenIn(series, 2, across)).toMatchObject({ sign: [4, 2], lines: [] });
  });
});

it('a mask of part of a series is cut by a plane as the whole one would be', () => {
  const part = { start: [1, 2, 3], shape: [3, 4, 5], voxels: new Uint8Array(60).fill(1) } as const;
  part.voxels[7] = 0;
  const frames = Array.from({ length: 5 }, () => new Uint8Array(80));
  part.voxels.forEach((value, at) => {
    const [z, y, x] = [Math.floor(at / 20), Math.floor(at / 5) % 4, at % 5];
    (frames[z + 1] as Uint8Array)[(y + 2) * 10 + x + 3] = value;
  });
  for (const planes of [sagittal, coronal, axial]) {
    const section = planes.section as SectionOf;
    for (let index = 0; index < planes.frame_count; index++) {
      const whole = sample(frames, section.box, section.grid, index, { fill: 0, nearest: true });
      expect([...partIn(part, section, index)]).toEqual([...whole]);
    }
  }
});
