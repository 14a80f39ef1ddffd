/** What is painted on the frame that is shown. */

import { MaskSheet } from './mask-sheet';

export class FrameMask extends MaskSheet {
  protected override labelsOn(index: number): Uint8Array {
    return this.map.frame(index);
  }
}
