/** What the reading room and the server say to each other. */

import type { components } from '../../api/schema';
import type { Content, LabelClass, MarkKind, Option } from '../../viewer/types';

export interface Choice {
  value: Option;
  label: string;
  key?: string;
  description?: string;
}

export type QuestionType = 'choice' | 'multichoice' | 'scale' | 'number' | 'text' | 'date';

export interface Question {
  code: string;
  text: string;
  type: QuestionType;
  level?: 'case' | 'series' | 'frame' | 'mark';
  required?: boolean;
  default?: Option | Option[] | null;
  options?: Choice[];
  min?: number;
  max?: number;
  unit?: string;
  show_if?: { question: string; equals: Option } | null;
  guideline?: string;
}

export interface LabelSchema {
  classes?: LabelClass[];
  marks?: MarkKind[];
  required_marks?: MarkKind[];
  questions?: Question[];
  guideline?: string;
}

export interface SeriesSummary {
  id: number;
  description: string;
  modality: string;
  frame_count: number;
}

export interface StoredDraft {
  version: number;
  content: Content;
  active_seconds: number;
  updated_at: string;
}

export interface Picked {
  generation: number;
  rank: number | null;
  score: number | null;
  components: Record<string, number | null>;
  acquisition: string;
  round: number | null;
}

export interface Assignment {
  slot: number;
  token: number;
  /** Null where the case is not in this reader's hands. */
  lease_expires_at: string | null;
  blind: boolean;
  case: { id: number; modality: string; body_part: string; frame_count: number; series: SeriesSummary[] };
  project: { slug: string; title: string; task: string };
  label_schema: { version: number; document: LabelSchema };
  draft: StoredDraft | null;
  picked: Picked | null;
  /** This reader's own reading of the case, when it is opened again to correct it. */
  submitted?: (SubmittedRead & { content: Content }) | null;
}

export interface SubmittedRead {
  read: number;
  late: boolean;
  submitted_at: string;
}

export type Hanging = components['schemas']['Hanging'];
export type Hung = Hanging['protocols'][number];
export type Beside = Hanging['beside'][number];
