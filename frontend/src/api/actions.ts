/** What a person can make the server do. Each function is one request; pages say what to refresh afterwards. */
import { api, body } from './client';
import { post } from './http';
import type { Language } from '../strings';
import type {
  HangingProtocols,
  ImportItem,
  LabelSchema,
  NewSnapshot,
  NewToken,
  ProjectChange,
  Role,
  SavedFilter,
  StopChoice,
  WriteBackRule,
} from './types';

const at = (id: number) => ({ params: { path: { id } } });
const inProject = (slug: string) => ({ params: { path: { slug } } });

export const chooseLanguage = (language: Language) =>
  body(api.PUT('/api/me/language', { body: { language } }));

export const startRound = (slug: string) => body(api.POST('/api/projects/{slug}/rounds', inProject(slug)));
export const cancelRound = (id: number) => body(api.POST('/api/rounds/{id}/cancel', at(id)));
export const retryRound = (id: number) => body(api.POST('/api/rounds/{id}/retry', at(id)));
export const applyModel = (id: number, reason: string) =>
  body(api.POST('/api/models/{id}/use', { ...at(id), body: { reason } }));

export const signDecision = (slug: string, choice: StopChoice, reason: string, againstRule: boolean) =>
  body(
    api.POST('/api/projects/{slug}/stopping', {
      ...inProject(slug),
      body: { choice, reason, against_rule: againstRule },
    }),
  );
export const askForReading = (slug: string, id: number, reason: string) =>
  body(
    api.POST('/api/projects/{slug}/label-issues/{case}/reading', {
      params: { path: { slug, case: id } },
      body: { reason },
    }),
  );

export const changeProject = (slug: string, changes: ProjectChange) =>
  body(api.PATCH('/api/projects/{slug}', { ...inProject(slug), body: changes }));

export const freezeDataset = (slug: string, wanted: NewSnapshot) =>
  body(api.POST('/api/projects/{slug}/snapshots', { ...inProject(slug), body: wanted }));
export const verifyDataset = (id: number) => body(api.POST('/api/snapshots/{id}/verify', at(id)));

/** ``source``: whose marks the files are; without one they are images. */
export async function beginImport(slug: string, files: { name: string; size: number }[], source?: number) {
  const wanted = source === undefined ? { files } : { files, marks_of: source };
  const begun = await body(api.POST('/api/projects/{slug}/imports', { ...inProject(slug), body: wanted }));
  return { id: begun.id, items: begun.items as ImportItem[] };
}
export const completeImport = (id: number) => body(api.POST('/api/imports/{id}/complete', at(id)));
export const cancelImport = (id: number) => body(api.POST('/api/imports/{id}/cancel', at(id)));
export const dismissItem = (id: number) => body(api.POST('/api/import-items/{id}/dismiss', at(id)));
export const retryItem = (id: number) => body(api.POST('/api/import-items/{id}/retry', at(id)));

export const addSource = (slug: string, name: string, counts: boolean) =>
  body(api.POST('/api/projects/{slug}/sources', { ...inProject(slug), body: { name, counts } }));
export const nameClasses = (id: number, classes: Record<string, string>) =>
  body(api.PATCH('/api/sources/{id}', { ...at(id), body: { classes } }));
export const readInFromStore = (id: number) => body(api.POST('/api/sources/{id}/read-in', at(id)));
export const writeBackCase = (id: number) => body(api.POST('/api/cases/{id}/write-back', at(id)));
export const writeBackAll = (slug: string) =>
  body(api.POST('/api/projects/{slug}/write-backs', inProject(slug)));
export const setWriteBackRule = (slug: string, rule: WriteBackRule) =>
  body(api.PATCH('/api/projects/{slug}', { ...inProject(slug), body: { write_back: rule } }));

export const addComment = (id: number, text: string, parent: number | null) =>
  body(api.POST('/api/cases/{id}/comments', { ...at(id), body: { text, parent } }));
export const withdrawCase = (id: number, reason: string) =>
  body(api.POST('/api/cases/{id}/withdraw', { ...at(id), body: { reason } }));
export const resolveComment = (id: number) => body(api.POST('/api/comments/{id}/resolve', at(id)));

export const keepFilters = (slug: string, filters: SavedFilter[]) =>
  body(api.PUT('/api/projects/{slug}/filters', { ...inProject(slug), body: { filters } }));

export const addMember = (slug: string, wanted: { username: string; role: Role }) =>
  body(api.POST('/api/projects/{slug}/members', { ...inProject(slug), body: wanted }));
export const inviteMember = (slug: string, wanted: { username: string; full_name: string; role: Role }) =>
  body(api.POST('/api/projects/{slug}/members/invite', { ...inProject(slug), body: wanted }));
export const removeMember = (slug: string, id: number) =>
  body(api.DELETE('/api/projects/{slug}/members/{id}', { params: { path: { slug, id } } }));
export const renewPassword = (slug: string, id: number) =>
  body(api.POST('/api/projects/{slug}/members/{id}/password', { params: { path: { slug, id } } }));

export const createToken = (wanted: NewToken) => body(api.POST('/api/tokens', { body: wanted }));
export const revokeToken = (id: number) => body(api.DELETE('/api/tokens/{id}', at(id)));

export const storeLabelSchema = (slug: string, document: LabelSchema['document'], base: number) =>
  body(api.POST('/api/projects/{slug}/label-schemas', { ...inProject(slug), body: { document, base } }));
export const checkLabelSchema = (slug: string, document: LabelSchema['document']) =>
  body(api.POST('/api/projects/{slug}/label-schemas/check', { ...inProject(slug), body: { document } }));
export const uploadPicture = (slug: string, picture: Blob) =>
  post<{ sha256: string }>(`projects/${slug}/guideline-pictures`, picture);

export const storeHanging = (
  slug: string,
  wanted: { base: number; document: HangingProtocols['document'] },
) => body(api.POST('/api/projects/{slug}/hanging-protocols', { ...inProject(slug), body: wanted }));
export const tryHanging = (slug: string, document: HangingProtocols['document']) =>
  body(api.POST('/api/projects/{slug}/hanging-protocols/try', { ...inProject(slug), body: { document } }));
