/** The viewer's vocabulary: what a series looks like on the wire, and what a reader leaves on it. */

import type { StoredLook } from './looks';
import type { Box, Grid } from './section';

export type Point = readonly [column: number, row: number];
export type Vector = readonly [x: number, y: number, z: number];

export interface Window {
  center: number;
  width: number;
  name: string;
}

/** How the pixels of one frame are to be read; a frame may differ from its series in any of these. */
export interface PixelDescription {
  rows: number;
  columns: number;
  samples_per_pixel: number;
  photometric_interpretation: string;
  planar_configuration: number | null;
  bits_allocated: number;
  bits_stored: number;
  high_bit: number;
  pixel_representation: number;
  rescale_slope: number;
  rescale_intercept: number;
  rescale_type: string;
  windows: Window[];
  pixel_spacing: readonly [row: number, column: number] | null;
  /** Missing in series that were taken in before it was told. */
  technique?: Technique;
}

/** How an image was taken; what is not known is missing. */
export interface Technique {
  thickness_mm?: number;
  kvp?: number;
  tube_current_ma?: number;
  exposure_mas?: number;
  repetition_ms?: number;
  echo_ms?: number;
  inversion_ms?: number;
  flip_degrees?: number;
  field_tesla?: number;
  kernel?: string;
  view?: string;
  laterality?: 'L' | 'R' | 'B';
}

/**
 * Why nothing was drawn or painted: the segment is locked, its pixels are colours, images are not here yet,
 * the series is only looked at, the drawing does not lie within one image, or the tool needs one.
 */
export type Refusal = 'locked' | 'colours' | 'notLoaded' | 'beside' | 'spread' | 'inPlane' | 'allPlaced';

/** Why pixels are not (all of) what was measured. */
export type FidelityReason =
  'lossy' | 'perhaps_lossy' | 'rounded' | 'converted' | 'decoded' | 'palette' | 'overlays' | 'curve';

export interface FrameDescription extends Partial<PixelDescription> {
  index: number;
  sop_instance_uid: string;
  /** 1-based within the instance, as DICOM counts. */
  frame: number;
  transfer_syntax_uid: string;
  position: Vector | null;
  orientation: readonly number[] | null;
}

export interface SeriesDisplay extends PixelDescription {
  id: number;
  /** Changes when images are added or taken away. */
  version: string;
  modality: string;
  description: string;
  token: string;
  frames_url: string;
  thumbnail_url: string;
  frame_count: number;
  spacing_source: string;
  slice_spacing: number | null;
  geometry: 'volume' | 'stack' | 'unknown';
  /** Series of the same one share positions in mm; null where none is named. */
  frame_of_reference: string | null;
  frame_time_ms: number | null;
  fidelity: { exact: boolean; note: string; reasons?: FidelityReason[] };
  /** Of PET alone: a rescaled value times the factor is the uptake in g/ml. */
  suv?: { factor: number | null; reason: string };
  frames: FrameDescription[];
  /** Of planes through another series, which these are. */
  section?: SectionOf;
}

export type PlaneName = 'axial' | 'sagittal' | 'coronal';

export interface SectionOf {
  plane: PlaneName;
  source: SeriesDisplay;
  box: Box;
  grid: Grid;
}

/** In the order of the toolbar. */
export const DRAWN_KINDS = [
  'box',
  'ellipse',
  'circle',
  'contour',
  'polyline',
  'length',
  'bidirectional',
  'angle',
  'cobb_angle',
  'landmark',
  'arrow',
] as const;
export type DrawnKind = (typeof DRAWN_KINDS)[number];
export type MarkKind = DrawnKind | 'labelmap';

/** One thing drawn on one frame, in pixel coordinates; pixel centres lie at integers. */
export interface Mark {
  tracking_uid: string;
  kind: MarkKind;
  label_class: string;
  sop_instance_uid: string;
  frame: number | null;
  points_px: Point[];
  mask: string | null;
  series: number | null;
  text: string;
}

export type Option = string | number;
export type AnswerValue = Option | Option[] | null;

export interface Answer {
  question: string;
  /** '' for the case, otherwise the UID of what the answer is about. */
  target: string;
  value: AnswerValue;
}

/** What the reader decided about one item of a suggestion. */
export interface Decision {
  suggestion: number;
  item: string;
  decision: 'accepted' | 'rejected';
}

/** An answer to prompts that the reader took over. */
export interface PromptUse {
  prompted: number;
  /** From the first prompt to the acceptance. */
  seconds: number;
}

export interface Content {
  answers: Answer[];
  marks: Mark[];
  suggestions?: Decision[];
  prompted?: PromptUse[];
  looks?: StoredLook[];
}

export interface LabelClass {
  code: string;
  name: string;
  colour: string;
  /** The voxel value of this class in a labelmap. */
  value: number;
  /** The kinds of mark it may have; without them, all that the project has. */
  marks?: MarkKind[];
  /** Names of points that are placed once each, in this order. */
  landmarks?: string[];
}
