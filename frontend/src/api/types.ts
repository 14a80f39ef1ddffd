/** What the server sends, by the names of its own documents. */

export interface Page<T> {
  next: string | null;
  previous: string | null;
  results: T[];
}

export interface Me {
  username: string;
  full_name: string;
  is_staff: boolean;
  home_site: string | null;
}

export type Role = 'lead' | 'reader' | 'adjudicator' | 'ml_engineer' | 'steward' | 'site_admin';
export type Task = 'classification' | 'segmentation' | 'detection';
export type Stream = 'pool' | 'control' | 'calibration' | 'holdout';
export type Arm = 'all' | 'active' | 'control';

export interface ProjectSummary {
  slug: string;
  title: string;
  description: string;
  task: Task;
  roles: Role[];
  actions: string[];
  /** Null: not yours to see. */
  counts: {
    cases: number | null;
    ready: number | null;
    reads: number | null;
    open: number;
    mine_done: number;
  };
}

export interface Project extends ProjectSummary {
  label_schema: { version: number; document: LabelSchema };
  blind_to_model: boolean;
  reads_per_case: number;
  evaluation_first: boolean;
  stream_shares: Partial<Record<Stream, number>>;
  reading_mix: Partial<Record<Stream, number>>;
  round_every: number;
  case_unit: 'study' | 'series' | 'instance';
  intake_rule: Record<string, string>;
}

export interface LabelSchema {
  classes: { code: string; name: string; colour: string; value: number }[];
  marks: string[];
  questions: { code: string; text: string; type: string }[];
  guideline: string;
}

export interface NextStep {
  code: string;
  text: string;
  page: string;
}

export interface Progress {
  streams: Partial<Record<Stream, { cases: number; read: number; open: number }>>;
  reads: number;
  readers: number;
  reader_minutes: number;
  reads_by_day: { day: string; reads: number }[];
  arriving: number;
  issues: number;
  quarantined: number;
  next_step: NextStep;
}

export interface Learning {
  can_start: boolean;
  /** Why no round can be started now; empty if one can. */
  why_not: string;
  labels: { all: number; active: number; control: number; holdout: number; calibration: number };
  running_round: { id: number; number: number; step: string; progress: number } | null;
  model_in_use: { id: number; round: number; network: string; state_reason: string } | null;
  next_step: NextStep | null;
}

export type Stage = 'not_started' | 'draft' | 'issue' | 'awaiting' | 'done';

export interface CaseRow {
  id: number;
  modality: string;
  body_part: string;
  series_count: number;
  frame_count: number;
  state: string;
  stage: Stage;
  due_at: string | null;
  thumbnail: string | null;
  slot: number | null;
  created_at: string;
}

/** A case that is held for me. */
export interface Claim {
  slot: number;
  case_id: number;
  lease_expires_at: string;
  draft: { version: number; updated_at: string } | null;
}

export interface CurvePoint {
  round: number;
  arm: Arm;
  labels: number;
  reader_minutes: number;
  value: number | null;
  low: number | null;
  high: number | null;
  patients: number;
}

export interface Curve {
  metric: string;
  higher_is_better: boolean;
  holdout_patients: number;
  points: CurvePoint[];
}

export interface Training {
  arm: Arm;
  network: string;
  epoch: number;
  epochs: number;
  labels: number;
  history: { epoch: number; train_loss: number | null; validation_loss: number | null }[];
  left_out: { case: number; reason: string }[];
}

export interface RoundStep {
  name: string;
  title: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
}

export interface Round {
  id: number;
  number: number;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  step: string;
  steps: RoundStep[];
  progress: number;
  error: string;
  trigger: string;
  started_by: string | null;
  created_at: string;
  finished_at: string | null;
  cancel_requested: boolean;
  snapshot: number | null;
  eta_seconds: number | null;
}

export interface RoundDetail extends Round {
  trainings: Training[];
  models: { id: number; arm: Arm; network: string; state: ModelState }[];
}

export interface LogLine {
  id: number;
  at: string;
  level: string;
  text: string;
}

export type ModelState = 'candidate' | 'in_use' | 'retired' | 'rejected';

export interface Metric {
  metric: string;
  subgroup: string;
  stream: string;
  value: number | null;
  low: number | null;
  high: number | null;
  patients: number;
  note: string;
}

export interface Model {
  id: number;
  /** The round's number; its address needs `round_id`. */
  round: number;
  round_id: number;
  arm: Arm;
  network: string;
  state: ModelState;
  state_reason: string;
  created_at: string;
  weights_sha256: string;
  members: number[];
  metrics: Metric[];
}

export interface Ranking {
  generation: number;
  acquisition: string;
  reason: string;
  model: number | null;
  round: number | null;
  size: number;
  batch: { case: number; rank: number; score: number | null; components: Record<string, number | null> }[];
  created_at: string;
}

export interface Snapshot {
  id: number;
  version: number;
  title: string;
  query: { min_reads?: number; min_certainty?: number };
  label_schema: number;
  cases: number;
  splits: { train: number; validation: number; test: number };
  content_sha256: string;
  created_by: string | null;
  created_at: string;
}

export interface ImportItem {
  id: number;
  name: string;
  size: number;
  received: number;
  state: string;
  reason_code: string;
  reason: string;
  created_at: string;
}

export interface ImportBatch {
  id: number;
  state: 'receiving' | 'processing' | 'done' | 'cancelled';
  created_at: string;
  finished_at: string | null;
  counts: Record<string, number>;
  bytes: number;
  received: number;
}

export interface Quarantined extends Pick<
  ImportItem,
  'id' | 'name' | 'size' | 'reason_code' | 'reason' | 'created_at'
> {
  import_id: number | null;
}

export interface Member {
  id: number;
  username: string;
  full_name: string;
  home_site: string | null;
  role: Role;
  created_at: string;
}

export interface ApiToken {
  id: number;
  project: string;
  name: string;
  actions: string[];
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface ModelDetail extends Model {
  roc: { points: { fpr: number; tpr: number }[] } | null;
  calibration: { points: { predicted: number; observed: number; count: number }[] } | null;
  config: Record<string, unknown>;
  temperature: number;
  lineage: {
    snapshot: { id: number; version: number; content_sha256: string };
    round: { id: number; number: number };
    recipe: { version: number };
    code_sha256: string;
  };
}

export interface Verdict {
  ok: boolean;
  items: number;
  reason: string;
}
