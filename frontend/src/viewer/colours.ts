/** Shows a labelmap over the images of its series; the drawing library reads our bytes, it never owns them. */

import { cache, imageLoader, metaData, utilities } from '@cornerstonejs/core';
import { Enums, segmentation } from '@cornerstonejs/tools';
import { imageIdOf, overlayIdOf } from './frames';
import type { Labelmap } from './labelmap';
import type { Appearance } from './looks';
import type { SeriesDisplay } from './types';

const LABELMAP = Enums.SegmentationRepresentations.Labelmap;
type Colour = [number, number, number, number];

export function rgba(hex: string): Colour {
  const value = Number.parseInt(hex.replace('#', ''), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255, 255];
}

/** With its own opacity. */
export const colourOf = ({ colour, opacity }: Appearance): Colour => {
  const [red, green, blue] = rgba(colour);
  return [red, green, blue, Math.round(255 * opacity)];
};

function colourTable(segments: readonly Appearance[]): Colour[] {
  const table: Colour[] = Array.from({ length: 256 }, () => [0, 0, 0, 0]);
  for (const segment of segments) table[segment.value] = colourOf(segment);
  return table;
}

export class LabelmapProjection {
  private readonly id: string;
  private readonly imageIds: string[];
  private visible = true;

  constructor(
    private readonly viewportId: string,
    series: SeriesDisplay,
    map: Labelmap,
    private segments: readonly Appearance[],
  ) {
    this.id = `labelmap-${series.id}-${utilities.uuidv4()}`;
    this.imageIds = series.frames.map((_, index) => this.addImage(series.id, index, map));
    segmentation.addSegmentations([
      {
        segmentationId: this.id,
        representation: { type: LABELMAP, data: { imageIds: this.imageIds } },
        config: {
          segments: Object.fromEntries(
            segments.map(({ value, name }) => [value, { segmentIndex: value, label: name, locked: false }]),
          ),
        },
      },
    ]);
    segmentation.addLabelmapRepresentationToViewport(viewportId, [
      { segmentationId: this.id, type: LABELMAP, config: { colorLUTOrIndex: colourTable(segments) } },
    ]);
    segmentation.config.style.setStyle(
      { viewportId, segmentationId: this.id, type: LABELMAP },
      {
        renderFill: true,
        // Each segment has its own opacity, in the table of colours.
        fillAlpha: 1,
        renderOutline: true,
        outlineWidth: 1.5,
        outlineOpacity: 0.9,
      },
    );
    this.showSegments();
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
    this.visible = visible;
    segmentation.config.visibility.setSegmentationRepresentationVisibility(
      this.viewportId,
      { segmentationId: this.id, type: LABELMAP },
      visible,
    );
    this.showSegments();
  }

  /** The looks of these segments changed. */
  restyle(segments: readonly Appearance[]): void {
    this.segments = segments;
    for (const segment of segments) {
      segmentation.config.color.setSegmentIndexColor(
        this.viewportId,
        this.id,
        segment.value,
        colourOf(segment),
      );
    }
    this.showSegments();
  }

  // Showing one segment shows the whole: while all are hidden, none is asked for.
  private showSegments(): void {
    if (!this.visible) return;
    const specifier = { segmentationId: this.id, type: LABELMAP };
    const { getSegmentIndexVisibility: isShown, setSegmentIndexVisibility: show } =
      segmentation.config.visibility;
    for (const { value, hidden } of this.segments) {
      if (isShown(this.viewportId, specifier, value) === hidden)
        show(this.viewportId, specifier, value, !hidden);
    }
  }

  close(): void {
    segmentation.removeLabelmapRepresentation(this.viewportId, this.id);
    segmentation.state.removeSegmentation(this.id);
    for (const imageId of this.imageIds) {
      if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
    }
  }
}
