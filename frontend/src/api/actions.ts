/** What a person can make the server do. Each function is one request; pages say what to refresh afterwards. */
import { post, remove } from './http';
import type {
  ApiToken,
  ImportBatch,
  ImportItem,
  Member,
  Model,
  Role,
  RoundDetail,
  Snapshot,
  Verdict,
} from './types';

export const startRound = (slug: string) => post<RoundDetail>(`projects/${slug}/rounds`);
export const cancelRound = (id: number) => post<RoundDetail>(`rounds/${id}/cancel`);
export const retryRound = (id: number) => post<RoundDetail>(`rounds/${id}/retry`);
export const applyModel = (id: number, reason: string) => post<Model>(`models/${id}/use`, { reason });

export interface NewSnapshot {
  title: string;
  query: { min_reads: number; min_certainty: number };
}
export const freezeDataset = (slug: string, wanted: NewSnapshot) =>
  post<Snapshot>(`projects/${slug}/snapshots`, wanted);
export const verifyDataset = (id: number) => post<Verdict>(`snapshots/${id}/verify`);

export type BegunImport = ImportBatch & { items: ImportItem[] };
export const beginImport = (slug: string, files: readonly { name: string; size: number }[]) =>
  post<BegunImport>(`projects/${slug}/imports`, { files });
export const completeImport = (id: number) => post<ImportBatch>(`imports/${id}/complete`);
export const cancelImport = (id: number) => post<ImportBatch>(`imports/${id}/cancel`);
export const dismissItem = (id: number) => post<ImportItem>(`import-items/${id}/dismiss`);
export const retryItem = (id: number) => post<ImportItem>(`import-items/${id}/retry`);

export const addMember = (slug: string, wanted: { username: string; role: Role }) =>
  post<Member>(`projects/${slug}/members`, wanted);
export const inviteMember = (slug: string, wanted: { username: string; full_name: string; role: Role }) =>
  post<Member & { password: string }>(`projects/${slug}/members/invite`, wanted);
export const removeMember = (slug: string, id: number) => remove(`projects/${slug}/members/${id}`);

export interface NewToken {
  project: string;
  name: string;
  actions: string[];
  days: number;
}
export const createToken = (wanted: NewToken) => post<ApiToken & { secret: string }>('tokens', wanted);
export const revokeToken = (id: number) => remove(`tokens/${id}`);
