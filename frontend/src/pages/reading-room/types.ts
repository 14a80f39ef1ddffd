/** What the reading room and the server say to each other. */

import type { components } from '../../api/schema';
import type {
  AnswerValue,
  Content,
  DrawnKind,
  LabelClass,
  MarkKind,
  Option,
  Point,
} from '../../viewer/types';

export type Level = 'case' | 'series' | 'frame' | 'mark';

/** A coded term: scheme by its DICOM designator, code, meaning. */
export interface Term {
  system: string;
  code: string;
  display: string;
}

export interface Choice {
  value: Option;
  label: string;
  key?: string;
  description?: string;
  term?: Term | null;
}

export type QuestionType = 'choice' | 'multichoice' | 'scale' | 'number' | 'text' | 'date';

type Operand = Option | { question: string };

/** One of `question` (with one comparison), `all`, `any`, `not`, `some`; what each means: conditions.ts. */
export interface Condition {
  question?: string;
  equals?: Operand;
  not_equals?: Operand;
  any_of?: Option[];
  answered?: boolean;
  below?: Operand;
  at_most?: Operand;
  above?: Operand;
  at_least?: Operand;
  all?: Condition[];
  any?: Condition[];
  not?: Condition;
  some?: Level;
  class?: string;
  kind?: MarkKind;
  where?: Condition;
}

export interface Rule {
  code: string;
  level?: Level;
  if?: Condition;
  then: Condition;
  message: string;
}

/** A picture of the project, by its SHA-256. */
export interface Picture {
  picture: string;
  alt: string;
  caption?: string;
}

export interface Question {
  code: string;
  text: string;
  type: QuestionType;
  level?: Level;
  /** Of a question on marks: the classes whose marks it is asked of; without them, all. */
  classes?: string[];
  required?: boolean;
  /** What is proposed; it is no answer until the reader confirms it. */
  default?: Option | Option[] | null;
  options?: Choice[];
  min?: number;
  max?: number;
  /** Counted from the minimum; without one, from 0. */
  step?: number;
  unit?: string;
  show_if?: Condition | null;
  guideline?: string;
  pictures?: Picture[];
  term?: Term | null;
}

export interface LabelSchema {
  classes?: LabelClass[];
  marks?: MarkKind[];
  required_marks?: MarkKind[];
  questions?: Question[];
  rules?: Rule[];
  guideline?: string;
  pictures?: Picture[];
}

export interface SeriesSummary {
  id: number;
  description: string;
  modality: string;
  frame_count: number;
  series_uid: string;
  /** That of its description; null while it is incomplete. */
  version: string | null;
}

/** The kinds of case that *Read next* keeps to; '' for any. */
export interface Within {
  modality: string;
  body_part: string;
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
  /** Put there between rounds, after so many reads. */
  fast: boolean;
  reads: number;
  at: string;
}

/** Whether this reader may see what the model says of this case. */
export interface Assistance {
  mode: 'off' | 'at_once' | 'reader_first';
  ready: boolean;
  /** When the reader's own first reading was kept. */
  committed_at: string | null;
}

export interface SuggestedAnswer {
  item: string;
  kind: 'answer';
  question: string;
  value: AnswerValue;
  confidence: number | null;
  /** Of a number: its standard deviation. */
  spread?: number;
}

export interface SuggestedMark {
  item: string;
  kind: DrawnKind;
  label_class: string;
  sop_instance_uid: string;
  frame: number | null;
  points_px: Point[];
  text: string;
  confidence: number | null;
}

/** One class of a suggested mask. */
export interface SuggestedMask {
  item: string;
  kind: 'labelmap';
  label_class: string;
  voxel_value: number;
  series: number;
  mask: string;
  voxels: number;
  /** The frame with most of it. */
  index: number;
  confidence: number | null;
}

export type SuggestedItem = SuggestedAnswer | SuggestedMark | SuggestedMask;

export interface Suggestion {
  id: number;
  round: number;
  items: SuggestedItem[];
  created_at: string;
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
  assistance: Assistance;
  /** The version of the form that this reading may move to; null: none. */
  newer_schema: number | null;
  /** This reader's own reading of the case, when it is opened again to correct it. */
  submitted?: (SubmittedRead & { content: Content }) | null;
}

/** A case that stays in hand. */
export interface Held {
  lease_expires_at: string;
  assistance: Assistance;
  newer_schema: number | null;
}

export type SchemaMoveTold = components['schemas']['SchemaMove'];

export interface SubmittedRead {
  read: number;
  late: boolean;
  submitted_at: string;
}

export const ISSUE_KINDS = ['image_quality', 'wrong_examination', 'identity_visible', 'other'] as const;

export type Hanging = components['schemas']['Hanging'];
export type Hung = Hanging['protocols'][number];
export type Beside = Hanging['beside'][number];
