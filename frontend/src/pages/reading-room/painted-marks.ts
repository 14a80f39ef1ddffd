/** Labelmaps as marks of the content that is stored: one for each painted series, under a UID that stays. */

import type { CaseRecord } from '../../viewer/record';
import type { Mark } from '../../viewer/types';
import { uidFromUuid } from '../../viewer/uids';

export class PaintedMarks {
  private readonly uids = new Map<number, string>();

  /** Takes over the UIDs that stored content names; what comes later counts. */
  open(stored: readonly Mark[]): void {
    this.uids.clear();
    for (const mark of stored) {
      if (mark.kind === 'labelmap' && mark.series) this.uids.set(mark.series, mark.tracking_uid);
    }
  }

  uidOf(series: number): string {
    let uid = this.uids.get(series);
    if (!uid) {
      uid = uidFromUuid(crypto.randomUUID());
      this.uids.set(series, uid);
    }
    return uid;
  }

  /** As the submission will name them. */
  of(record: CaseRecord): Mark[] {
    const painted = [...record.labelmaps].filter(([, map]) => map.values.length > 0);
    return painted.map(([series]) => ({
      tracking_uid: this.uidOf(series),
      kind: 'labelmap',
      label_class: '',
      sop_instance_uid: '',
      frame: null,
      points_px: [],
      mask: null,
      series,
      text: '',
    }));
  }
}
