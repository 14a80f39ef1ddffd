/** The one door to the server: sends the session's cookie and CSRF token, and turns every failure into an ApiError. */
import { connection } from '../state/connection.svelte';
import { t } from '../strings';

export interface Problem {
  code: string;
  status: number;
  title: string;
  detail: string;
  errors?: { where: string; message: string }[];
  [extra: string]: unknown;
}

/** The server's own sentence (or ours, when there was no answer) about why a request failed. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ApiError';
    this.code = problem.code;
    this.status = problem.status;
    this.problem = problem;
  }

  /** Nothing was heard from the server: the same request may be sent again. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SESSION_ENDED = new Set(['not_authenticated', 'authentication_failed']);

export function csrfToken(cookies: string = document.cookie): string {
  const found = /(?:^|;\s*)csrftoken=([^;]*)/.exec(cookies);
  return found ? decodeURIComponent(found[1] ?? '') : '';
}

const noAnswer = (): Problem => ({
  code: 'no_answer',
  status: 0,
  title: t('connection.noAnswer'),
  detail: t('connection.noAnswer'),
});

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    code: 'error',
    status: response.status,
    title: response.statusText || 'Error',
    detail: t('connection.unexplained', { status: response.status }),
  };
  if (!response.headers.get('Content-Type')?.includes('json')) return fallback;
  const body: unknown = await response.json().catch(() => null);
  return body && typeof body === 'object'
    ? { ...fallback, ...(body as Partial<Problem>), status: response.status }
    : fallback;
}

function isSessionEnd(problem: Problem): boolean {
  return problem.status === 401 || (problem.status === 403 && SESSION_ENDED.has(problem.code));
}

/** Sends one request; resolves with a good answer, rejects with an ApiError (or AbortError if it was aborted). */
export async function send(request: Request): Promise<Response> {
  if (!SAFE_METHODS.has(request.method)) request.headers.set('X-CSRFToken', csrfToken());
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    connection.lost();
    throw new ApiError(noAnswer());
  }
  connection.heard(response.ok);
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (!isSessionEnd(problem)) throw new ApiError(problem);
  connection.signedOut();
  throw new ApiError({ ...problem, detail: t('connection.signedOut') });
}

export interface Options {
  /** Sent as JSON, unless it is already bytes. */
  body?: unknown;
  query?: Record<string, string | number | boolean | null | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Sent even though the page goes away. */
  keepalive?: boolean;
}

const isBytes = (body: unknown): body is BodyInit =>
  body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);

export function address(path: string, query: Options['query'] = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value != null && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return `/api/${path}${text ? `?${text}` : ''}`;
}

/** Sends JSON (or bytes) to `/api/<path>` and reads the JSON answer. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const { body, query, headers, signal, keepalive = false } = options;
  const bytes = isBytes(body);
  const type = bytes ? 'application/octet-stream' : 'application/json';
  const init: RequestInit = {
    method,
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': type }),
      ...headers,
    },
    credentials: 'same-origin',
    signal: signal ?? null,
    keepalive,
  };
  if (body !== undefined) init.body = bytes ? body : JSON.stringify(body);
  const response = await send(new Request(new URL(address(path, query), location.origin), init));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, options?: Options) => request<T>('GET', path, options);
export const post = <T>(path: string, body: unknown = {}, options?: Options) =>
  request<T>('POST', path, { ...options, body });
export const put = <T>(path: string, body: unknown, options?: Options) =>
  request<T>('PUT', path, { ...options, body });
export const remove = (path: string) => request<void>('DELETE', path);

/** Makes any thrown thing a sentence that can be shown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
