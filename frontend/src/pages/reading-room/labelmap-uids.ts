/** One tracking UID per painted series, the same in the draft, in the submission and after it. */

import { labelmapMark } from '../../viewer/masks';
import type { CaseRecord } from '../../viewer/record';
import type { Mark } from '../../viewer/types';
import { uidFromUuid } from '../../viewer/uids';
import type { Assignment } from './types';

export class LabelmapUids {
  private readonly uids = new Map<number, string>();

  of(series: number): string {
    let uid = this.uids.get(series);
    if (!uid) {
      uid = uidFromUuid(crypto.randomUUID());
      this.uids.set(series, uid);
    }
    return uid;
  }

  /** Those that were given when the case was read before. */
  adopt({ draft, submitted }: Assignment): void {
    this.uids.clear();
    for (const mark of [...(submitted?.content.marks ?? []), ...(draft?.content.marks ?? [])]) {
      if (mark.kind === 'labelmap' && mark.series) this.uids.set(mark.series, mark.tracking_uid);
    }
  }

  /** Drawn marks, and one per painted series, as the submission will name them. */
  allMarks(record: CaseRecord): Mark[] {
    const painted = [...record.labelmaps].filter(([, map]) => map.values.length > 0);
    const labelmaps = painted.map(([series]) => labelmapMark(this.of(series), series, null));
    return [...record.marks.values(), ...labelmaps];
  }
}
