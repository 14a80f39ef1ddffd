/** What the drawing library asks about a frame, from the server's curated description and nothing else. */

import { metaData } from '@cornerstonejs/core';
import { pixelsOf, resolve } from './frames';
import { planeOf } from './plane';
import type { PixelDescription, SeriesDisplay } from './types';

function pixelModule(pixels: PixelDescription) {
  return {
    rows: pixels.rows,
    columns: pixels.columns,
    samplesPerPixel: pixels.samples_per_pixel,
    photometricInterpretation: pixels.photometric_interpretation,
    planarConfiguration: pixels.planar_configuration ?? 0,
    bitsAllocated: pixels.bits_allocated,
    bitsStored: pixels.bits_stored,
    highBit: pixels.high_bit,
    pixelRepresentation: pixels.pixel_representation,
  };
}

function planeModule(series: SeriesDisplay, index: number) {
  const { rows, columns } = pixelsOf(series, index);
  const plane = planeOf(series, index);
  return {
    rows,
    columns,
    imagePositionPatient: [...plane.position],
    imageOrientationPatient: [...plane.across, ...plane.down],
    rowCosines: [...plane.across],
    columnCosines: [...plane.down],
    rowPixelSpacing: plane.rowSpacing,
    columnPixelSpacing: plane.columnSpacing,
    pixelSpacing: [plane.rowSpacing, plane.columnSpacing],
    sliceThickness: series.slice_spacing ?? 1,
    frameOfReferenceUID: `series-${series.id}`,
    usingDefaultValues: false,
  };
}

type Module = (series: SeriesDisplay, index: number) => unknown;

const MODULES: Record<string, Module> = {
  imagePixelModule: (series, index) => pixelModule(pixelsOf(series, index)),
  imagePlaneModule: planeModule,
  generalSeriesModule: (series) => ({
    modality: series.modality,
    seriesInstanceUID: String(series.id),
    seriesNumber: 0,
    studyInstanceUID: '',
  }),
  generalImageModule: (series, index) => ({
    sopInstanceUID: series.frames[index]?.sop_instance_uid,
    instanceNumber: index + 1,
  }),
  sopCommonModule: (series, index) => ({ sopInstanceUID: series.frames[index]?.sop_instance_uid }),
  modalityLutModule: (series, index) => {
    const pixels = pixelsOf(series, index);
    return {
      rescaleSlope: pixels.rescale_slope,
      rescaleIntercept: pixels.rescale_intercept,
      rescaleType: pixels.rescale_type,
    };
  },
  voiLutModule: (series, index) => {
    const { windows } = pixelsOf(series, index);
    return windows.length
      ? { windowCenter: windows.map((w) => w.center), windowWidth: windows.map((w) => w.width) }
      : {};
  },
};

function provide(type: string, imageId: unknown): unknown {
  const module = MODULES[type];
  if (!module || typeof imageId !== 'string') return undefined;
  const found = resolve(imageId);
  return found ? module?.(found.series, found.index) : undefined;
}

export function registerMetadata(): void {
  metaData.addProvider(provide, 10_000);
}
