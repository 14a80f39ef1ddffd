/** The tracking UID of the labelmap of each painted series: the same in every draft of a reading. */

import type { CaseRecord } from '../../viewer/record';
import type { Content, Mark } from '../../viewer/types';
import { uidFromUuid } from '../../viewer/uids';

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

  /** Forgets the case before; what was stored of this one keeps its UIDs, the last content's first. */
  restart(contents: readonly (Content | undefined)[]): void {
    this.uids.clear();
    for (const mark of contents.flatMap((content) => content?.marks ?? [])) {
      if (mark.kind === 'labelmap' && mark.series) this.uids.set(mark.series, mark.tracking_uid);
    }
  }

  /** Drawn marks, and one per painted series, as the submission will name them. */
  allMarks(record: CaseRecord): Mark[] {
    const painted = [...record.labelmaps].filter(([, map]) => map.values.length > 0);
    const labelmaps = painted.map(([series]): Mark => ({
      tracking_uid: this.of(series),
      kind: 'labelmap',
      label_class: '',
      sop_instance_uid: '',
      frame: null,
      points_px: [],
      mask: null,
      series,
      text: '',
    }));
    return [...record.marks.values(), ...labelmaps];
  }
}
