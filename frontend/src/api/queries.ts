/** What each page asks of the server: the key under which an answer is kept, how it is fetched and how often. */
import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/svelte-query';
import { ApiError, get, type Options } from './http';
import type {
  ApiToken,
  CaseRow,
  Claim,
  Curve,
  ImportBatch,
  ImportItem,
  Learning,
  LogLine,
  Me,
  Member,
  Model,
  ModelDetail,
  Page,
  Progress,
  Project,
  ProjectSummary,
  Quarantined,
  Ranking,
  Round,
  RoundDetail,
  Snapshot,
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

type Query = Options['query'];

/** The path and query under /api of the absolute address that a page of results names as its next. */
export function pathOf(address: string): string {
  const url = new URL(address, 'http://localhost');
  return url.pathname.replace(/^\/api\//, '') + url.search;
}

function paged<T>(key: readonly unknown[], path: string, query: Query = {}) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      pageParam ? get<Page<T>>(pathOf(pageParam), { signal }) : get<Page<T>>(path, { query, signal }),
    initialPageParam: '',
    getNextPageParam: (last: Page<T>) => last.next,
  });
}

function one<T>(key: readonly unknown[], path: string) {
  return queryOptions({ queryKey: key, queryFn: ({ signal }) => get<T>(path, { signal }) });
}

const inProject = (slug: string, ...rest: readonly unknown[]) => ['project', slug, ...rest] as const;
export const key = { project: inProject };

export const me = () => ({ ...one<Me>(['me'], 'me'), staleTime: Number.POSITIVE_INFINITY });
export const projects = () => one<{ results: ProjectSummary[] }>(['projects'], 'projects');
export const project = (slug: string) => one<Project>(inProject(slug, 'detail'), `projects/${slug}`);
export const tokens = () => paged<ApiToken>(['tokens'], 'tokens');

export const progress = (slug: string) => ({
  ...one<Progress>(inProject(slug, 'progress'), `projects/${slug}/progress`),
  refetchInterval: SLOW_MS,
});
export const curve = (slug: string) => ({
  ...one<Curve>(inProject(slug, 'curve'), `projects/${slug}/curve`),
  refetchInterval: SLOW_MS,
});
export const learning = (slug: string) => ({
  ...one<Learning>(inProject(slug, 'learning'), `projects/${slug}/learning`),
  refetchInterval: SLOW_MS,
});
export const ranking = (slug: string) => one<Ranking>(inProject(slug, 'ranking'), `projects/${slug}/ranking`);

export const claims = (slug: string) =>
  one<{ results: Claim[] }>(inProject(slug, 'claims'), `projects/${slug}/claims`);

export const cases = (slug: string, query: { state: string; search: string }) => ({
  ...paged<CaseRow>(inProject(slug, 'cases', query), `projects/${slug}/cases`, query),
  refetchInterval: SLOW_MS,
});

export const rounds = (slug: string) => ({
  ...paged<Round>(inProject(slug, 'rounds'), `projects/${slug}/rounds`),
  refetchInterval: SLOW_MS,
});
export const round = (id: string) =>
  queryOptions({
    queryKey: ['round', id],
    queryFn: ({ signal }) => get<RoundDetail>(`rounds/${id}`, { signal }),
    refetchInterval: (query) => (query.state.data?.state === 'running' ? LIVE_MS : false),
  });
export const roundLog = (id: string, after: number) =>
  get<Page<LogLine>>(`rounds/${id}/log`, { query: { after: after || '' } });

export const models = (slug: string) => paged<Model>(inProject(slug, 'models'), `projects/${slug}/models`);
export const model = (id: string) => one<ModelDetail>(['model', id], `models/${id}`);
export const snapshots = (slug: string) =>
  paged<Snapshot>(inProject(slug, 'snapshots'), `projects/${slug}/snapshots`);

export const imports = (slug: string) => ({
  ...paged<ImportBatch>(inProject(slug, 'imports'), `projects/${slug}/imports`),
  refetchInterval: LIVE_MS * 2,
});
export const importItems = (id: number) => paged<ImportItem>(['import', id, 'items'], `imports/${id}/items`);
export const quarantine = (slug: string) => ({
  ...paged<Quarantined>(inProject(slug, 'quarantine'), `projects/${slug}/quarantine`),
  refetchInterval: SLOW_MS,
});
export const members = (slug: string) =>
  paged<Member>(inProject(slug, 'members'), `projects/${slug}/members`);
