import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, address, csrfToken, get, post, put, remove } from '../src/api/http';
import { connection } from '../src/state/connection.svelte';

const answer = (status: number, body: unknown, type = 'application/json') =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { 'Content-Type': type } });

const problem = (status: number, code: string, detail: string, extra = {}) =>
  answer(status, { code, status, title: 'Title', detail, ...extra }, 'application/problem+json');

let fetched: ReturnType<typeof vi.fn<typeof fetch>>;
const sent = () => fetched.mock.calls[0]?.[0] as Request;

beforeEach(() => {
  vi.useFakeTimers();
  fetched = vi.fn<typeof fetch>();
  vi.stubGlobal('fetch', fetched);
  vi.stubGlobal('location', new URL('http://site.test/p/x'));
  vi.stubGlobal('document', { cookie: 'a=1; csrftoken=s%3Dcret; b=2' });
  connection.heard();
  connection.signedIn = true;
});

afterEach(() => {
  connection.heard();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a request', () => {
  it('goes to the path under /api, with the query that has values', async () => {
    fetched.mockResolvedValue(answer(200, { results: [] }));
    await get('projects/tb/cases', { query: { state: 'draft', search: '', page: null, limit: 5 } });
    expect(sent().url).toBe('http://site.test/api/projects/tb/cases?state=draft&limit=5');
    expect(sent().method).toBe('GET');
  });

  it('carries the CSRF token when it changes something, and only then', async () => {
    fetched.mockImplementation(async () => answer(200, {}));
    await get('me');
    await post('projects/tb/rounds');
    const [reading, changing] = fetched.mock.calls.map(([request]) => request as Request);
    expect(reading?.headers.has('X-CSRFToken')).toBe(false);
    expect(changing?.headers.get('X-CSRFToken')).toBe('s=cret');
  });

  it('sends a document as JSON and bytes as they are', async () => {
    fetched.mockImplementation(async () => answer(200, {}));
    await post('x', { a: 1 });
    await put('y', new Blob(['abc']));
    const [json, bytes] = fetched.mock.calls.map(([request]) => request as Request);
    expect(json?.headers.get('Content-Type')).toBe('application/json');
    expect(await json?.json()).toEqual({ a: 1 });
    expect(bytes?.headers.get('Content-Type')).toBe('application/octet-stream');
    expect(await bytes?.text()).toBe('abc');
  });

  it('adds the headers that it is given', async () => {
    fetched.mockResolvedValue(answer(201, {}));
    await post('slots/1/submit', {}, { headers: { 'Idempotency-Key': 'k' } });
    expect(sent().headers.get('Idempotency-Key')).toBe('k');
  });

  it('resolves with nothing when the answer is empty', async () => {
    fetched.mockResolvedValue(answer(204, null));
    await expect(remove('tokens/1')).resolves.toBeUndefined();
  });
});

describe('a refusal', () => {
  it('rejects with the sentence, the code and everything else that the server said', async () => {
    fetched.mockResolvedValue(
      problem(409, 'stale_draft', 'A newer draft was saved.', { current: { version: 7 } }),
    );
    const error = await put('slots/1/draft', {}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ message: 'A newer draft was saved.', code: 'stale_draft', status: 409 });
    expect((error as ApiError).problem.current).toEqual({ version: 7 });
  });

  it('has a sentence even when the server gave none', async () => {
    fetched.mockResolvedValue(answer(502, '<html>', 'text/html'));
    await expect(get('me')).rejects.toThrow(/answered 502/);
  });

  it('for want of a session is remembered, so that the page can offer to sign in', async () => {
    fetched.mockResolvedValue(problem(401, 'not_authenticated', 'Sign in again.'));
    await expect(get('me')).rejects.toMatchObject({ status: 401 });
    expect(connection.signedIn).toBe(false);
  });

  it('is over once any request is answered well: somebody signed in again in another window', async () => {
    connection.signedOut();
    fetched.mockResolvedValue(answer(200, {}));
    await get('me');
    expect(connection.signedIn).toBe(true);
  });

  it('for want of a right does not end the session', async () => {
    fetched.mockResolvedValue(problem(403, 'not_permitted', 'Your role does not allow this.'));
    await expect(get('x')).rejects.toMatchObject({ status: 403 });
    expect(connection.signedIn).toBe(true);
  });
});

describe('a server that does not answer', () => {
  it('is told apart from a refusal', async () => {
    fetched.mockRejectedValue(new TypeError('Failed to fetch'));
    const error = await get('me').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ offline: true, status: 0 });
    expect(connection.online).toBe(false);
  });

  it('is asked again until it is back', async () => {
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    await get('x').catch(() => undefined);
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    await vi.advanceTimersByTimeAsync(4000);
    expect(connection.online).toBe(false);
    fetched.mockResolvedValue(answer(200, {}));
    await vi.advanceTimersByTimeAsync(4000);
    expect(connection.online).toBe(true);
    expect(fetched).toHaveBeenCalledTimes(3);
  });

  it('is not blamed for a request that we gave up ourselves', async () => {
    const controller = new AbortController();
    fetched.mockImplementation(async (request) => {
      controller.abort();
      throw (request as Request).signal.reason;
    });
    await expect(get('x', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(connection.online).toBe(true);
  });
});

describe('the small parts', () => {
  it('read the CSRF cookie among others', () => {
    expect(csrfToken('xcsrftoken=no; csrftoken=yes')).toBe('yes');
    expect(csrfToken('other=1')).toBe('');
  });

  it('escape what a query holds', () => {
    expect(address('x', { search: 'a&b c' })).toBe('/api/x?search=a%26b+c');
  });
});
