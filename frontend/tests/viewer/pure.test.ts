import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compress, decompress, sha256 } from '../../src/viewer/masks';
import { nearestFirst, prefetch } from '../../src/viewer/prefetch';
import { uidFromUuid, uuidFromUid } from '../../src/viewer/uids';
import { fromRange, presetsFor, toRange, windowOf, windowOfPixels } from '../../src/viewer/windows';
import { fakeSeries } from './fake-series';

describe('masks on their way', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i % 97 === 0 ? 2 : 0));

  it('are compressed into what any gzip reads, and back', async () => {
    const packed = await compress(bytes);
    expect(packed.length).toBeLessThan(bytes.length / 10);
    expect(new Uint8Array(gunzipSync(packed))).toEqual(bytes);
    expect(await decompress(packed, bytes.length)).toEqual(bytes);
  });

  it('are refused if they unpack to more or to less than the series has', async () => {
    const packed = gzipSync(bytes);
    await expect(decompress(packed, bytes.length - 1)).rejects.toThrow(RangeError);
    await expect(decompress(packed, bytes.length + 1)).rejects.toThrow(RangeError);
  });

  it('are named by their SHA-256', async () => {
    expect(await sha256(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('tracking identifiers', () => {
  it('are UIDs of at most 64 characters, and lead back to the UUID', () => {
    for (const uuid of [
      'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      '00000000-0000-0000-0000-000000000001',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ]) {
      const uid = uidFromUuid(uuid);
      expect(uid).toMatch(/^2\.25\.\d{1,39}$/);
      expect(uuidFromUid(uid)).toBe(uuid);
    }
    // The example of ISO/IEC 9834-8.
    expect(uidFromUuid('f81d4fae-7dec-11d0-a765-00a0c91e6bf6')).toBe(
      '2.25.329800735698586629295641978511506172918',
    );
  });

  it('say so when they were not made from a UUID', () => {
    expect(uuidFromUid('1.2.840.10008')).toBeNull();
    expect(uuidFromUid(`2.25.${'9'.repeat(39)}`)).toBeNull();
  });
});

describe('windows', () => {
  it('lead from centre and width to the ends and back', () => {
    expect(toRange({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
    expect(fromRange(toRange({ center: -600, width: 1500 }))).toEqual({ center: -600, width: 1500 });
  });

  it('leave out a few extreme pixels where the file names no window', () => {
    const pixels = Int16Array.from({ length: 10_000 }, (_, i) => i % 1000);
    pixels[5] = 32_000;
    const { center, width } = windowOfPixels(pixels);
    expect(center + width / 2).toBeLessThan(1001);
    expect(width).toBeGreaterThan(900);
  });

  it('have a width even where all pixels are equal', () => {
    expect(windowOfPixels(new Uint8Array(100)).width).toBeGreaterThan(0);
  });

  it("offer the file's own first, then the modality's; none for colour", () => {
    const stored = [{ name: '', center: 1, width: 2 }];
    const names = (said: object) => presetsFor(fakeSeries(said)).map(({ name }) => name);
    expect(names({ windows: stored })[0]).toBe('Stored 1');
    expect(names({ windows: stored })).toContain('Lung');
    expect(names({ modality: 'MR', windows: [] })).toContain('Automatic');
    expect(names({ samples_per_pixel: 3, windows: stored })).toEqual([]);
  });
});

describe('presets', () => {
  const named = (said: object, name: string) => {
    const preset = presetsFor(fakeSeries(said)).find((one) => one.name === name);
    if (!preset) throw new Error(`no preset ${name}`);
    return preset;
  };

  it('of CT are in Hounsfield units, at most nine with those of the file', () => {
    expect(named({}, 'Lung')).toMatchObject({ center: -600, width: 1500 });
    const windows = [1, 2, 3, 4].map((center) => ({ name: '', center, width: 2 }));
    expect(presetsFor(fakeSeries({ windows }))).toHaveLength(9);
  });

  it('of PET end at a body-weight uptake, where there is one', () => {
    const suv = { factor: 0.0005, reason: '' };
    const window = windowOf(named({ modality: 'PT', suv }, 'SUV 0–7'), []);
    expect(toRange(window).lower).toBeCloseTo(0);
    expect(toRange(window).upper).toBeCloseTo(14_000);
    const unknown = { factor: null, reason: 'no weight' };
    expect(() => named({ modality: 'PT', suv: unknown }, 'SUV 0–7')).toThrow();
  });

  it('of MR are taken from the pixels of the image shown', () => {
    const pixels = Float32Array.from({ length: 1001 }, (_, i) => i);
    const { lower, upper } = toRange(windowOf(named({ modality: 'MR' }, 'Automatic, more contrast'), pixels));
    expect(lower).toBeCloseTo(50);
    expect(upper).toBeCloseTo(949);
    const whole = toRange(windowOf(named({ modality: 'MR' }, 'Whole range'), pixels));
    expect([whole.lower, whole.upper]).toEqual([0, 999]);
  });
});

describe('loading ahead', () => {
  it('wants what is near first, and ahead before behind', () => {
    expect(nearestFirst([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([3, 4, 2, 5, 1, 6, 0]);
  });

  it('has only so many under way, follows the reader, and survives failures', async () => {
    const asked: number[] = [];
    const doors: (() => void)[] = [];
    let underWay = 0;
    let most = 0;
    let loaded = 0;
    const ahead = prefetch({
      count: 8,
      concurrency: 2,
      load: (index) => {
        asked.push(index);
        most = Math.max(most, ++underWay);
        return new Promise<void>((done, fail) => {
          doors.push(() => {
            underWay -= 1;
            if (index === 1) fail(new Error('lost'));
            else done();
          });
        });
      },
      onLoaded: (count) => {
        loaded = count;
      },
    });
    expect(asked).toEqual([0, 1]);
    ahead.moveTo(6);
    while (doors.length) {
      doors.shift()?.();
      await new Promise((turn) => setTimeout(turn));
    }
    expect(asked.slice(2, 4)).toEqual([6, 7]);
    expect([...asked].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(2);
    expect(loaded).toBe(7);
  });

  it('asks for nothing more once it is stopped', async () => {
    let asked = 0;
    const ahead = prefetch({
      count: 10,
      concurrency: 1,
      load: async () => {
        asked += 1;
      },
      onLoaded: () => undefined,
    });
    ahead.stop();
    await new Promise((turn) => setTimeout(turn));
    expect(asked).toBe(1);
  });
});
