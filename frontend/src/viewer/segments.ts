/** Shows a labelmap over the images of its series; the drawing library reads our bytes, it never owns them. */

import { cache, imageLoader, metaData, utilities } from '@cornerstonejs/core';
import { Enums, segmentation } from '@cornerstonejs/tools';
import { imageIdOf, overlayIdOf } from './frames';
import type { Labelmap } from './labelmap';
import type { LabelClass, SeriesDisplay } from './types';

const LABELMAP = Enums.SegmentationRepresentations.Labelmap;
const FILL_ALPHA = 0.35;

type Colour = [number, number, number, number];

export function rgba(hex: string): Colour {
  const value = Number.parseInt(hex.replace('#', ''), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255, 255];
}

function colourTable(classes: readonly LabelClass[]): Colour[] {
  const table: Colour[] = Array.from({ length: 256 }, () => [0, 0, 0, 0]);
  for (const { value, colour } of classes) table[value] = rgba(colour);
  return table;
}

export class LabelmapProjection {
  private readonly id: string;
  private readonly imageIds: string[];

  constructor(
    private readonly viewportId: string,
    series: SeriesDisplay,
    map: Labelmap,
    classes: readonly LabelClass[],
  ) {
    this.id = `labelmap-${series.id}-${utilities.uuidv4()}`;
    this.imageIds = series.frames.map((_, index) => this.addImage(series.id, index, map));
    segmentation.addSegmentations([
      {
        segmentationId: this.id,
        representation: { type: LABELMAP, data: { imageIds: this.imageIds } },
        config: {
          segments: Object.fromEntries(
            classes.map(({ value, name }) => [value, { segmentIndex: value, label: name, locked: false }]),
          ),
        },
      },
    ]);
    segmentation.addLabelmapRepresentationToViewport(viewportId, [
      { segmentationId: this.id, type: LABELMAP, config: { colorLUTOrIndex: colourTable(classes) } },
    ]);
    segmentation.config.style.setStyle(
      { viewportId, segmentationId: this.id, type: LABELMAP },
      {
        renderFill: true,
        fillAlpha: FILL_ALPHA,
        renderOutline: true,
        outlineWidth: 1.5,
        outlineOpacity: 0.9,
      },
    );
  }

  private addImage(seriesId: number, index: number, map: Labelmap): string {
    const reference = imageIdOf(seriesId, index);
    const plane = metaData.get('imagePlaneModule', reference);
    const imageId = overlayIdOf(seriesId, index, this.id);
    imageLoader.createAndCacheLocalImage(imageId, {
      scalarData: map.frame(index),
      dimensions: [map.columns, map.rows],
      spacing: [plane.columnPixelSpacing, plane.rowPixelSpacing],
      origin: plane.imagePositionPatient,
      direction: plane.imageOrientationPatient,
      frameOfReferenceUID: plane.frameOfReferenceUID,
      referencedImageId: reference,
    } as never);
    return imageId;
  }

  /** The bytes of these frames changed. */
  refresh(frames: readonly number[]): void {
    segmentation.triggerSegmentationEvents.triggerSegmentationDataModified(this.id, [...frames]);
  }

  setVisible(visible: boolean): void {
    segmentation.config.visibility.setSegmentationRepresentationVisibility(
      this.viewportId,
      { segmentationId: this.id, type: LABELMAP },
      visible,
    );
  }

  close(): void {
    segmentation.removeLabelmapRepresentation(this.viewportId, this.id);
    segmentation.state.removeSegmentation(this.id);
    for (const imageId of this.imageIds) {
      if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
    }
  }
}
