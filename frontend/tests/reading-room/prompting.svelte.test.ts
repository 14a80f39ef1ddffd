import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Preview } from '../../src/pages/reading-room/preview';
import type { Answer, Question } from '../../src/pages/reading-room/prompt-doors';
import { Prompting } from '../../src/pages/reading-room/prompting.svelte';
import type { Room } from '../../src/pages/reading-room/room.svelte';
import { Labelmap } from '../../src/viewer/labelmap';
import { CaseRecord } from '../../src/viewer/record';
import type { Viewer } from '../../src/viewer/viewer';
import { fakeSeries } from '../viewer/fake-series';

const { door } = vi.hoisted(() => ({
  door: {
    asked: [] as { question: Question; signal: AbortSignal; answer: (given: unknown) => void }[],
    methods: [] as unknown[],
  },
}));

vi.mock('../../src/pages/reading-room/prompt-doors', () => ({
  methodsOf: async () => door.methods,
  askForMask: (_: number, question: Question, signal: AbortSignal) =>
    new Promise((done, fail) => {
      const answer = (given: unknown) => (given instanceof Error ? fail(given) : done(given));
      door.asked.push({ question, signal, answer });
    }),
}));
vi.mock('../../src/state/toasts.svelte', () => ({ toasts: { say: () => {}, fail: () => {} } }));

const WALK = { code: 'random_walk', learned: false, algorithm: 'walk', classes: null, unavailable: '' };
const NETWORK = { ...WALK, code: 'network', learned: true, classes: ['lesion'] };
const lesion = { code: 'lesion', name: 'Lesion', colour: '#e8a33d', value: 1 };
const node = { code: 'node', name: 'Node', colour: '#58b4e0', value: 2 };
const series = { ...fakeSeries({ frames: 3 }), id: 7, rows: 4, columns: 5, frame_count: 3 };
const click = (frame = 1) => ({ kind: 'point', positive: true, frame, points: [[2, 2]] }) as const;
const answer = (id: number, voxels = [1, 1, 0, 1]): Answer => ({
  id,
  algorithm: 'walk',
  start: [1, 1, 2],
  shape: [1, 2, 2],
  voxels: Uint8Array.from(voxels),
});
const settle = () => new Promise((done) => setTimeout(done));

let record: CaseRecord;
let may: boolean;
let prompting: Prompting;

beforeEach(async () => {
  door.asked.length = 0;
  door.methods = [WALK, NETWORK];
  record = new CaseRecord();
  may = true;
  const room = {
    record,
    classes: [lesion, node],
    assignment: { slot: 3, token: 9 },
    editing: { segment: (label: typeof lesion) => label },
  } as unknown as Room;
  const viewer = { painter: { mayPaint: () => may }, state: { series } } as unknown as Viewer;
  prompting = new Prompting(room, () => viewer);
  prompting.begin(3);
  await prompting.load();
});

describe('a prompt', () => {
  it('is sent with all those before it, and only the newest answer is shown', async () => {
    prompting.add(click(), series, lesion);
    prompting.add(click(), series, lesion);
    expect(door.asked.map(({ question }) => question.prompts.length)).toEqual([1, 2]);
    expect(door.asked[0]?.signal.aborted).toBe(true);
    door.asked[1]?.answer(answer(12));
    await settle();
    door.asked[0]?.answer(answer(11));
    await settle();
    expect(prompting.preview?.answer.id).toBe(12);
    expect(door.asked[1]?.question).toMatchObject({ token: 9, series: 7, label_class: 'lesion' });
  });

  it('is taken back, and the rest is asked again', async () => {
    prompting.add(click(), series, lesion);
    prompting.add(click(), series, lesion);
    expect(prompting.takeBack()).toBe(true);
    expect(door.asked.at(-1)?.question.prompts).toHaveLength(1);
    expect(prompting.takeBack()).toBe(true);
    expect(prompting.preview).toBeNull();
    expect(prompting.takeBack()).toBe(false);
  });

  it('belongs to one image, unless the images around are asked for', () => {
    prompting.add(click(1), series, lesion);
    expect(prompting.refusal(series, 1)).toBe('');
    expect(prompting.refusal(series, 2)).toContain('image 2');
    expect(prompting.refusal({ ...series, id: 8 }, 1)).toContain('other series');
    prompting.extend(true);
    expect(prompting.refusal(series, 2)).toBe('');
    expect(door.asked.at(-1)?.question.volume).toBe(true);
  });

  it('in a plane across the images asks for those around, and goes with any other', () => {
    prompting.add(click(1), series, lesion);
    expect(prompting.refusal(series, null)).toBe('');
    const across = { kind: 'point', positive: true, frame: null, voxels: [[2, 2, 2]] } as const;
    prompting.add(across, series, lesion);
    expect(door.asked.at(-1)?.question).toMatchObject({ volume: true });
    prompting.extend(false);
    expect(prompting.volume).toBe(true);
    expect(prompting.refusal(series, 0)).toBe('');
    prompting.takeBack();
    prompting.extend(false);
    expect(prompting.volume).toBe(false);
  });

  it('that fails is said in the words of the server, and keeps what was prompted', async () => {
    prompting.add(click(), series, lesion);
    door.asked[0]?.answer(new Error('Too large.'));
    await settle();
    expect(prompting.failure).toBe('Too large.');
    expect(prompting.asking).toBe(false);
    expect(prompting.prompts).toHaveLength(1);
  });

  it('can be stopped', async () => {
    prompting.add(click(), series, lesion);
    prompting.stop();
    expect(door.asked[0]?.signal.aborted).toBe(true);
    expect(prompting.asking).toBe(false);
    expect(prompting.failure).not.toBe('');
  });

  it('for a class that the network has not learnt asks nobody', () => {
    prompting.choose('network');
    prompting.add(click(), series, node);
    expect(door.asked).toHaveLength(0);
    expect(prompting.failure).toContain('Node');
    prompting.retarget(lesion);
    expect(door.asked.at(-1)?.question).toMatchObject({ method: 'network', label_class: 'lesion' });
  });
});

describe('what is accepted', () => {
  beforeEach(async () => {
    prompting.add(click(), series, lesion);
    door.asked[0]?.answer(answer(12));
    await settle();
  });

  it('is one step, with what it was made by, and undone as one', () => {
    expect(record.labelmaps.size).toBe(0);
    prompting.accept();
    const map = record.labelmaps.get(7) as Labelmap;
    expect(map.counts[1]).toBe(3);
    expect([...map.frame(1)].flatMap((voxel, at) => (voxel ? [at] : []))).toEqual([7, 8, 13]);
    expect([...record.prompted.values()]).toEqual([{ prompted: 12, seconds: expect.any(Number) }]);
    expect(record.steps).toHaveLength(1);
    expect(prompting.preview).toBeNull();
    record.undo();
    expect(map.counts[1]).toBe(0);
    expect(record.prompted.size).toBe(0);
    record.redo();
    expect(map.counts[1]).toBe(3);
    expect(record.prompted.size).toBe(1);
  });

  it('is nothing where the brush may not paint', () => {
    may = false;
    prompting.accept();
    expect(record.steps).toEqual([]);
    expect(prompting.preview).not.toBeNull();
  });

  it('is not yet there while a newer prompt is being answered', () => {
    prompting.add(click(), series, lesion);
    prompting.accept();
    expect(record.steps).toEqual([]);
  });

  it('is nothing once it was discarded', () => {
    expect(prompting.discard()).toBe(true);
    prompting.accept();
    expect(record.steps).toEqual([]);
    expect(prompting.discard()).toBe(false);
  });
});

describe('the preview', () => {
  it('leaves locked segments as they are and takes over others, as the brush does', () => {
    const map = new Labelmap(3, 4, 5);
    map.set(27, 2);
    map.set(28, 3);
    const locked = new Uint8Array(256);
    locked[3] = 1;
    const patch = new Preview(answer(1), lesion).patchOf(map, 1, locked);
    if (patch) map.write(patch, 'after');
    expect([map.counts[1], map.counts[2], map.counts[3]]).toEqual([2, 0, 1]);
  });

  it('has its borders on its own images alone, in pixels of the series', () => {
    const preview = new Preview(answer(1), lesion);
    expect(preview.frames).toEqual([1]);
    expect(preview.bordersOn(series, 0)).toEqual([]);
    const points = preview.bordersOn(series, 1).flat();
    expect(Math.min(...points.map(([column]) => column))).toBe(1.5);
    expect(Math.min(...points.map(([, row]) => row))).toBe(0.5);
  });
});

it('where no method can be asked, the reader is told why', async () => {
  door.methods = [{ ...WALK, unavailable: 'Not now.' }];
  prompting.begin(4);
  await prompting.load();
  prompting.add(click(), series, lesion);
  expect(door.asked).toHaveLength(0);
  expect(prompting.failure).not.toBe('');
});
