/** What each page asks of the server: the key under which an answer is kept, how it is fetched and how often. */
import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/svelte-query';
import { api, body, cursorOf, type Page } from './client';
import { ApiError } from './http';
import type {
  ApiToken,
  CaseRow,
  Comment,
  ImportBatch,
  ImportItem,
  LabelSchemaVersion,
  Member,
  Model,
  Quarantined,
  Round,
  Snapshot,
  Stage,
  WriteBack,
} from './types';

const LIVE_MS = 2000;
const SLOW_MS = 15_000;
const RETRIES_WHEN_UNANSWERED = 2;

/** Only a request that was never answered is worth sending again unasked. */
const retry = (failures: number, error: Error) =>
  error instanceof ApiError && (error.offline || error.status === 503) && failures < RETRIES_WHEN_UNANSWERED;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5000, retry, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
});

interface Asked {
  signal: AbortSignal;
  cursor?: string | undefined;
}

/** The part of a request that names the next page, if there is one. */
const from = ({ cursor }: Asked) => (cursor ? { cursor } : {});

function one<T>(key: readonly unknown[], ask: (asked: Asked) => Promise<{ data?: T }>) {
  return queryOptions({ queryKey: key, queryFn: ({ signal }) => body(ask({ signal })) });
}

function paged<T>(key: readonly unknown[], ask: (asked: Asked) => Promise<{ data?: Page<unknown> }>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => body(ask({ signal, cursor: pageParam })) as Promise<Page<T>>,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: cursorOf,
  });
}

const inProject = (slug: string, ...rest: readonly unknown[]) => ['project', slug, ...rest] as const;
export const key = {
  project: inProject,
  projects: ['projects'],
  round: (id: string) => ['round', id],
  models: ['model'],
  tokens: ['tokens'],
};

export const me = () => ({
  ...one(['me'], ({ signal }) => api.GET('/api/me', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const projects = () => one(key.projects, ({ signal }) => api.GET('/api/projects', { signal }));

export const project = (slug: string) =>
  one(inProject(slug, 'detail'), ({ signal }) =>
    api.GET('/api/projects/{slug}', { params: { path: { slug } }, signal }),
  );

export const tokens = () =>
  paged<ApiToken>(key.tokens, (asked) =>
    api.GET('/api/tokens', { params: { query: from(asked) }, signal: asked.signal }),
  );

export const progress = (slug: string) => ({
  ...one(inProject(slug, 'progress'), ({ signal }) =>
    api.GET('/api/projects/{slug}/progress', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export const curve = (slug: string) => ({
  ...one(inProject(slug, 'curve'), ({ signal }) =>
    api.GET('/api/projects/{slug}/curve', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export const stopping = (slug: string) =>
  one(inProject(slug, 'stopping'), ({ signal }) =>
    api.GET('/api/projects/{slug}/stopping', { params: { path: { slug } }, signal }),
  );

export const labelIssues = (slug: string) =>
  one(inProject(slug, 'label-issues'), ({ signal }) =>
    api.GET('/api/projects/{slug}/label-issues', { params: { path: { slug } }, signal }),
  );

export const comparison = (id: number, other: number) =>
  one([...key.models, id, 'against', other], ({ signal }) =>
    api.GET('/api/models/{id}/against/{other}', { params: { path: { id, other } }, signal }),
  );

export const learning = (slug: string) => ({
  ...one(inProject(slug, 'learning'), ({ signal }) =>
    api.GET('/api/projects/{slug}/learning', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export const ranking = (slug: string) =>
  one(inProject(slug, 'ranking'), ({ signal }) =>
    api.GET('/api/projects/{slug}/ranking', { params: { path: { slug } }, signal }),
  );

export const claims = (slug: string) => ({
  ...one(inProject(slug, 'claims'), ({ signal }) =>
    api.GET('/api/projects/{slug}/claims', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export interface CaseFilter {
  state: Stage | '';
  modality: string;
  body_part: string;
  due: 'overdue' | 'week' | '';
  flag: 'draft' | 'issue' | '';
  search: string;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], ''> };

/** Without the parts that narrow nothing. */
const given = <T extends object>(values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Given<T>;

export const cases = (slug: string, filter: CaseFilter) => ({
  ...paged<CaseRow>(inProject(slug, 'cases', filter), (asked) =>
    api.GET('/api/projects/{slug}/cases', {
      params: { path: { slug }, query: { ...given(filter), ...from(asked) } },
      signal: asked.signal,
    }),
  ),
  refetchInterval: SLOW_MS,
});

export const kinds = (slug: string) => ({
  ...one(inProject(slug, 'kinds'), ({ signal }) =>
    api.GET('/api/projects/{slug}/kinds', { params: { path: { slug } }, signal }),
  ),
  staleTime: SLOW_MS * 4,
});

export const savedFilters = (slug: string) =>
  one(inProject(slug, 'filters'), ({ signal }) =>
    api.GET('/api/projects/{slug}/filters', { params: { path: { slug } }, signal }),
  );

export const comments = (id: number) =>
  paged<Comment>(['case', id, 'comments'], (asked) =>
    api.GET('/api/cases/{id}/comments', {
      params: { path: { id }, query: from(asked) },
      signal: asked.signal,
    }),
  );

export const rounds = (slug: string) => ({
  ...paged<Round>(inProject(slug, 'rounds'), (asked) =>
    api.GET('/api/projects/{slug}/rounds', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  ),
  refetchInterval: SLOW_MS,
});

export const round = (id: string) =>
  queryOptions({
    queryKey: key.round(id),
    queryFn: ({ signal }) =>
      body(api.GET('/api/rounds/{id}', { params: { path: { id: Number(id) } }, signal })),
    refetchInterval: (query) => (query.state.data?.state === 'running' ? LIVE_MS : false),
  });

export const roundLog = (id: string, after: number) =>
  body(api.GET('/api/rounds/{id}/log', { params: { path: { id: Number(id) }, query: { after } } }));

export const models = (slug: string) => ({
  ...paged<Model>(inProject(slug, 'models'), (asked) =>
    api.GET('/api/projects/{slug}/models', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  ),
  refetchInterval: SLOW_MS,
});

export const suggestionUse = (slug: string) => ({
  ...one(inProject(slug, 'suggestions'), ({ signal }) =>
    api.GET('/api/projects/{slug}/suggestions', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export const model = (id: string) =>
  one([...key.models, id], ({ signal }) =>
    api.GET('/api/models/{id}', { params: { path: { id: Number(id) } }, signal }),
  );

export const hanging = (slug: string) =>
  one(inProject(slug, 'hanging'), ({ signal }) =>
    api.GET('/api/projects/{slug}/hanging-protocols', { params: { path: { slug } }, signal }),
  );

export const labelSchemas = (slug: string) =>
  paged<LabelSchemaVersion>(inProject(slug, 'label-schemas'), (asked) =>
    api.GET('/api/projects/{slug}/label-schemas', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  );

export const labelSchema = (slug: string, version: number) => ({
  ...one(inProject(slug, 'label-schema', version), ({ signal }) =>
    api.GET('/api/projects/{slug}/label-schemas/{version}', {
      params: { path: { slug, version } },
      signal,
    }),
  ),
  staleTime: Number.POSITIVE_INFINITY,
});

export const snapshots = (slug: string) =>
  paged<Snapshot>(inProject(slug, 'snapshots'), (asked) =>
    api.GET('/api/projects/{slug}/snapshots', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  );

export const imports = (slug: string) => ({
  ...paged<ImportBatch>(inProject(slug, 'imports'), (asked) =>
    api.GET('/api/projects/{slug}/imports', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  ),
  refetchInterval: LIVE_MS * 2,
});

/** One page of the files of an import, for going on with what was interrupted. */
export const importItems = (id: number, cursor: string | undefined) =>
  body(
    api.GET('/api/imports/{id}/items', {
      params: { path: { id }, query: { limit: 200, ...(cursor ? { cursor } : {}) } },
    }),
  ) as Promise<Page<ImportItem>>;

export const quarantine = (slug: string) => ({
  ...paged<Quarantined>(inProject(slug, 'quarantine'), (asked) =>
    api.GET('/api/projects/{slug}/quarantine', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  ),
  refetchInterval: LIVE_MS * 2,
});

export const members = (slug: string) =>
  paged<Member>(inProject(slug, 'members'), (asked) =>
    api.GET('/api/projects/{slug}/members', {
      params: { path: { slug }, query: from(asked) },
      signal: asked.signal,
    }),
  );

export const reportOf = (id: number) =>
  paged<ImportItem>(['import', id, 'report'], (asked) =>
    api.GET('/api/imports/{id}/items', {
      params: { path: { id }, query: from(asked) },
      signal: asked.signal,
    }),
  );

export const sources = (slug: string) => ({
  ...one(inProject(slug, 'sources'), ({ signal }) =>
    api.GET('/api/projects/{slug}/sources', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: SLOW_MS,
});

export const writeBackCounts = (slug: string) => ({
  ...one(inProject(slug, 'write-back-counts'), ({ signal }) =>
    api.GET('/api/projects/{slug}/write-backs/counts', { params: { path: { slug } }, signal }),
  ),
  refetchInterval: LIVE_MS,
});

export const writeBacks = (slug: string, state: WriteBack['state']) => ({
  ...paged<WriteBack>(inProject(slug, 'write-backs', state), (asked) =>
    api.GET('/api/projects/{slug}/write-backs', {
      params: { path: { slug }, query: { state, ...from(asked) } },
      signal: asked.signal,
    }),
  ),
  refetchInterval: SLOW_MS,
});
