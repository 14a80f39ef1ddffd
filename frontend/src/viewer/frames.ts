/**
 * Where pixels come from: an image loader of our own scheme (`series:<id>/<index>`), built from the server's
 * curated description and nothing else.
 * Every load settles: fetching and decoding race against a clock and fail with a sentence.
 */

import { cache, getShouldUseCPURendering, imageLoader, type Types, utilities } from '@cornerstonejs/core';
import { createImage } from '@cornerstonejs/dicom-image-loader';
import { type Key, t } from '../strings';
import type { Voxels } from './section';
import type { FrameDescription, PixelDescription, SeriesDisplay } from './types';
import { isColour } from './windows';

const SCHEME = 'series';
const FETCH_MS = 30_000;
const DECODE_MS = 30_000;
const RETRY_AFTER_MS = [400, 1600];

/** A frame that cannot be shown, and why, for the person who looks at the empty viewport. */
export class FrameError extends Error {
  override name = 'FrameError';

  constructor(
    message: string,
    readonly retryable: boolean,
  ) {
    super(message);
  }
}

/** Fetches a fresh description when the signed address of the frames has expired. */
export type Renew = (seriesId: number) => Promise<SeriesDisplay>;

const known = new Map<number, SeriesDisplay>();
const renewals = new Map<number, Renew>();
let ahead: readonly number[] = [];

/** Frames of an earlier version of the series do not stay: the same index may be another image now. */
export function registerSeries(series: SeriesDisplay, renew: Renew): void {
  const before = known.get(series.id);
  if (before && before.version !== series.version) forgetSeries(series.id);
  doomed.delete(series.id);
  known.set(series.id, series);
  renewals.set(series.id, renew);
}

/** Whether the series is registered as it was before, or as another case shows it. */
export function isOtherVersion(series: SeriesDisplay): boolean {
  const before = known.get(series.id);
  return before !== undefined && before.version !== series.version;
}

/** Requests of each series under way: until they end, its description is needed. */
const underWay = new Map<number, number>();
const doomed = new Set<number>();

/** Drops the frames of a series from memory, and its description with the last request for it. */
function forgetSeries(seriesId: number): void {
  for (const imageId of imageIdsOf(seriesId)) {
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId);
  }
  if (underWay.get(seriesId)) doomed.add(seriesId);
  else {
    known.delete(seriesId);
    renewals.delete(seriesId);
  }
  planesMade.delete(seriesId);
}

/** Drops all series but these, and those that are loaded ahead. */
export function forgetAllBut(seriesIds: readonly (number | undefined)[]): void {
  const kept = [...seriesIds, ...ahead];
  for (const id of [...known.keys()]) if (!kept.includes(id)) forgetSeries(id);
}

export function forgetAll(): void {
  ahead = [];
  forgetAllBut([]);
}

/** These are loaded for a later case, and no others any more. */
export function keepAhead(seriesIds: readonly number[]): void {
  ahead = seriesIds;
}

async function whileKnown<T>(seriesId: number, work: Promise<T>): Promise<T> {
  underWay.set(seriesId, (underWay.get(seriesId) ?? 0) + 1);
  try {
    return await work;
  } finally {
    underWay.set(seriesId, (underWay.get(seriesId) ?? 1) - 1);
    if (doomed.has(seriesId) && !underWay.get(seriesId)) {
      doomed.delete(seriesId);
      forgetSeries(seriesId);
    }
  }
}

/** Names the version too: the same index of another version may be another image. */
export const imageIdOf = (seriesId: number, index: number): string =>
  `${SCHEME}:${seriesId}/${index}/${known.get(seriesId)?.version ?? ''}`;

export function imageIdsOf(seriesId: number): string[] {
  return (known.get(seriesId)?.frames ?? []).map((_, index) => imageIdOf(seriesId, index));
}

/** The series and frame that an image id stands for; null for unknown ids. */
export function resolve(imageId: string): { series: SeriesDisplay; index: number } | null {
  const match = /^series:(-?\d+)\/(\d+)(?:\/|$)/.exec(imageId);
  const series = match && known.get(Number(match[1]));
  return series ? { series, index: Number(match[2]) } : null;
}

export function isLoaded(seriesId: number, index: number): boolean {
  return cache.getImage(imageIdOf(seriesId, index)) !== undefined;
}

/** Which frames are in memory, as runs from the first to the last of each; planes are made of a volume that is. */
export function loadedRuns({ id, frame_count: count, section }: SeriesDisplay): [from: number, to: number][] {
  if (section) return [[0, count - 1]];
  const runs: [number, number][] = [];
  for (let index = 0; index < count; index++) {
    if (!isLoaded(id, index)) continue;
    const last = runs.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs;
}

/** How the pixels of one frame are to be read. */
export function pixelsOf(series: SeriesDisplay, index: number): PixelDescription {
  return { ...series, ...(series.frames[index] as FrameDescription) };
}

// One array type for a whole series, so that scrolling never rebuilds the texture.
export function arrayTypeOf(
  description: PixelDescription,
): 'Uint8Array' | 'Int16Array' | 'Uint16Array' | 'Float32Array' {
  const {
    bits_stored: bits,
    pixel_representation: signed,
    rescale_slope: slope,
    rescale_intercept: b,
  } = description;
  const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const ends = [low * slope + b, high * slope + b];
  const [min, max] = [Math.min(...ends), Math.max(...ends)];
  if (!Number.isInteger(slope) || !Number.isInteger(b)) return 'Float32Array';
  if (min >= 0 && max <= 0xff) return 'Uint8Array';
  if (min >= 0 && max <= 0xffff) return 'Uint16Array';
  if (min >= -0x8000 && max <= 0x7fff) return 'Int16Array';
  return 'Float32Array';
}

function seriesArrayType(series: SeriesDisplay): string {
  const types = new Set(series.frames.map((_, index) => arrayTypeOf(pixelsOf(series, index))));
  return types.size === 1 ? ([...types][0] as string) : 'Float32Array';
}

const arrayTypes = new WeakMap<SeriesDisplay, string>();

function typeFor(series: SeriesDisplay): string {
  let type = arrayTypes.get(series);
  if (!type) {
    type = seriesArrayType(series);
    arrayTypes.set(series, type);
  }
  return type;
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

const REFUSALS: Record<number, Key> = {
  401: 'frame.signedOut',
  403: 'frame.refused',
  404: 'frame.gone',
  410: 'frame.changed',
  503: 'frame.storeDown',
};

function refusal(status: number): FrameError {
  return new FrameError(t(REFUSALS[status] ?? 'frame.status', { status }), status !== 404 && status !== 410);
}

async function request(url: string): Promise<Response> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), FETCH_MS);
  try {
    return await fetch(url, { signal: clock.signal, credentials: 'same-origin' });
  } catch {
    const seconds = FETCH_MS / 1000;
    throw new FrameError(clock.signal.aborted ? t('frame.slow', { seconds }) : t('frame.unreachable'), true);
  } finally {
    clearTimeout(timer);
  }
}

interface Encoded {
  bytes: Uint8Array;
  syntax: string;
}

export const frameUrl = (series: SeriesDisplay, index: number) =>
  series.frames_url.replace('{index}', String(index));

async function fetchOnce(series: SeriesDisplay, index: number): Promise<Encoded> {
  let response = await request(frameUrl(series, index));
  const renew = renewals.get(series.id);
  if (response.status === 403 && renew) {
    const fresh = await renew(series.id);
    if (fresh.version !== series.version) throw refusal(410);
    series.frames_url = fresh.frames_url;
    response = await request(frameUrl(series, index));
  }
  if (!response.ok) throw refusal(response.status);
  const type = response.headers.get('Content-Type') ?? '';
  const stated = /transfer-syntax="?([\d.]+)/.exec(type)?.[1];
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { bytes, syntax: stated ?? (series.frames[index] as FrameDescription).transfer_syntax_uid };
}

/** Into the browser's own cache, not into memory. */
export async function fetchOnly(series: SeriesDisplay, index: number): Promise<void> {
  await (await request(frameUrl(series, index))).arrayBuffer();
}

async function fetchFrame(series: SeriesDisplay, index: number): Promise<Encoded> {
  for (const wait of RETRY_AFTER_MS) {
    try {
      return await fetchOnce(series, index);
    } catch (error) {
      if (!(error instanceof FrameError) || !error.retryable) throw error;
      await pause(wait);
    }
  }
  return fetchOnce(series, index);
}

function withinTime<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new FrameError(message, true)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Of planes, so many stay in memory: one is made anew in less time than a picture takes. */
const PLANES_KEPT = 32;
const planesMade = new Map<number, string[]>();
let makePlane: (series: SeriesDisplay, index: number) => Promise<Voxels> = () =>
  Promise.reject(new FrameError(t('frame.unknown'), false));

/** Where the pixels of planes through a volume come from. */
export function planesFrom(maker: typeof makePlane): void {
  makePlane = maker;
}

async function loadPlane(imageId: string, series: SeriesDisplay, index: number): Promise<Types.IImage> {
  const scalarData = await makePlane(series, index);
  const made = planesMade.get(series.id) ?? [];
  planesMade.set(series.id, made);
  made.push(imageId);
  while (made.length > PLANES_KEPT) {
    const oldest = made.shift() as string;
    if (cache.getImageLoadObject(oldest)) cache.removeImageLoadObject(oldest);
  }
  return imageOf(imageId, series, scalarData);
}

function imageOf(imageId: string, series: SeriesDisplay, scalarData: Voxels): Types.IImage {
  const { rows, columns } = series;
  const [rowPixelSpacing, columnPixelSpacing] = series.pixel_spacing ?? [1, 1];
  const [window] = series.windows;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    height: rows,
    width: columns,
    numberOfComponents: 1,
    scalarData: scalarData as never,
  });
  let [minPixelValue, maxPixelValue] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of scalarData) {
    if (value < minPixelValue) minPixelValue = value;
    if (value > maxPixelValue) maxPixelValue = value;
  }
  return {
    imageId,
    rows,
    columns,
    height: rows,
    width: columns,
    slope: 1,
    intercept: 0,
    windowCenter: window?.center ?? (minPixelValue + maxPixelValue) / 2,
    windowWidth: window?.width ?? maxPixelValue - minPixelValue + 1,
    minPixelValue,
    maxPixelValue,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    invert: series.photometric_interpretation === 'MONOCHROME1',
    photometricInterpretation: series.photometric_interpretation,
    columnPixelSpacing,
    rowPixelSpacing,
    preScale: { enabled: true, scaled: true, scalingParameters: {} },
    getPixelData: () => voxelManager.getScalarData(),
    voxelManager,
    sizeInBytes: scalarData.byteLength,
  } as unknown as Types.IImage;
}

async function load(imageId: string): Promise<Types.IImage> {
  const found = resolve(imageId);
  if (!found) throw new FrameError(t('frame.unknown'), false);
  const { series, index } = found;
  if (series.section) return loadPlane(imageId, series, index);
  const { bytes, syntax } = await fetchFrame(series, index);
  const options = {
    useRGBA: getShouldUseCPURendering(),
    preScale: { enabled: !isColour(series) },
    ...(isColour(series) ? {} : { targetBuffer: { type: typeFor(series) } }),
  };
  try {
    const decoding = createImage(imageId, bytes as never, syntax, options as never) as Promise<Types.IImage>;
    return await withinTime(decoding, DECODE_MS, t('frame.decodeSlow'));
  } catch (error) {
    if (error instanceof FrameError) throw error;
    const reason = String((error as Error)?.message ?? error);
    throw new FrameError(t('frame.undecodable', { reason }), false);
  }
}

export function registerFrames(): void {
  // Whoever asked for a frame hears that it failed; the library fails once more, before nobody.
  addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof FrameError) event.preventDefault();
  });
  imageLoader.registerImageLoader(SCHEME, (imageId) => ({
    promise: whileKnown(resolve(imageId)?.series.id ?? 0, load(imageId)),
  }));
}
