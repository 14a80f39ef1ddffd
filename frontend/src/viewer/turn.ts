/** How a picture lies on the screen: mirrored left to right first, then turned clockwise. Eight ways, no others. */

export interface Turn {
  /** Degrees clockwise. */
  rotation: 0 | 90 | 180 | 270;
  mirrored: boolean;
}

export const UPRIGHT: Turn = { rotation: 0, mirrored: false };

const round = (degrees: number): Turn['rotation'] => ((degrees + 720) % 360) as Turn['rotation'];

/** A quarter to the right (1) or to the left (-1), as the reader sees it. */
export const rotated = ({ rotation, mirrored }: Turn, quarters: 1 | -1): Turn => ({
  rotation: round(rotation + 90 * quarters),
  mirrored,
});

/** Left and right, or top and bottom, change places, as the reader sees it. */
export const flipped = ({ rotation, mirrored }: Turn, axis: 'horizontal' | 'vertical'): Turn => ({
  rotation: round((axis === 'horizontal' ? 0 : 180) - rotation),
  mirrored: !mirrored,
});

export const isUpright = ({ rotation, mirrored }: Turn): boolean => rotation === 0 && !mirrored;

/** Whether what was wide is now high. */
export const isSideways = ({ rotation }: Turn): boolean => rotation % 180 !== 0;
