/** The server's documents by the names that the pages use. Answers always hold every one of their fields. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Me = Schemas['Me'];
export type Keyboard = Schemas['Keyboard'];
export type Role = Schemas['RoleEnum'];
export type Right = Schemas['ActionEnum'];
export type Stream = Schemas['StreamEnum'];
export type Arm = Schemas['ArmEnum'];
export type ApiToken = Schemas['Token'];
export type Member = Schemas['Member'];

export type ProjectSummary = Schemas['Project'];
export type Project = Schemas['ProjectDetail'];
export type ProjectChange = Schemas['PatchedProjectChangeRequest'];
export type Progress = Schemas['Overview'];
export type NextStep = Schemas['NextStep'];
export type Learning = Schemas['Learning'];
export type Curve = Schemas['Curve'];

export type LabelSchema = Schemas['LabelSchema'];
export type LabelSchemaVersion = Schemas['Version'];
export type SchemaEffects = Schemas['Effects'];

export type HangingProtocols = Schemas['HangingProtocols'];
export type Trials = Schemas['Trials'];

export type Stage = Schemas['StageEnum'];
export type CaseRow = Required<Schemas['Case']>;
export type SavedFilter = Schemas['SavedFilter'];
export type Comment = Required<Schemas['Comment']>;

export type Round = Schemas['Round'];
export type RoundDetail = Schemas['RoundDetail'];
export type RoundStep = Schemas['RoundStep'];
export type Training = Schemas['Training'];
export type LogLine = Schemas['RoundLog'];

export type Model = Schemas['Model'];
export type ModelDetail = Schemas['ModelDetail'];
export type SuggestionUse = Schemas['SuggestionUse'];
export type SuggestionMode = Schemas['SuggestionModeEnum'];
export type ModelState = Schemas['ModelStateEnum'];
export type Metric = Schemas['Metric'];
export type Comparison = Schemas['Comparison'];
export type Difference = Schemas['Difference'];
export type Standing = Schemas['Standing'];
export type Condition = Schemas['Condition'];
export type StopChoice = Schemas['ChoiceEnum'];
export type LabelIssue = Schemas['Issue'];

export type Snapshot = Required<Schemas['Snapshot']>;
export type NewSnapshot = Schemas['NewSnapshotRequest'];
export type NewToken = Schemas['NewTokenRequest'];

export type ImportBatch = Required<Schemas['Import']>;
export type ImportItem = Required<Schemas['ImportItem']>;
export type Quarantined = Required<Schemas['Quarantined']>;

export type Source = Schemas['Source'];
export type WriteBackRule = Schemas['WriteBackEnum'];
export type WriteBack = Required<Schemas['WriteBack']>;
