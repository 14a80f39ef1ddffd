import { afterEach, describe, expect, it, vi } from 'vitest';
import { mayOpen, pagesFor } from '../src/pages/pages';
import { compile, find, router, type Route } from '../src/router.svelte';
import { routes } from '../src/routes';

const compiled = compile(routes);
const at = (pathname: string) => find(compiled, pathname);

describe('an address', () => {
  it('names one page and its parameters', () => {
    expect(at('/p/tb/rounds/12')).toMatchObject({
      route: { path: '/p/:slug/rounds/:id' },
      params: { slug: 'tb', id: '12' },
    });
    expect(at('/p/tb')?.route.path).toBe('/p/:slug');
  });

  it('of the reading room works with and without a slot', () => {
    expect(at('/p/tb/read')).toMatchObject({ params: { slug: 'tb', slot: '' } });
    expect(at('/p/tb/read/7')).toMatchObject({ params: { slug: 'tb', slot: '7' }, route: { bare: true } });
  });

  it('that names nothing is nothing', () => {
    expect(at('/p/tb/nowhere')).toBeNull();
    expect(at('/accounts/login/')).toBeNull();
  });
});

describe('a page that will need something', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('asks for it when its address is known, and once while it is shown', () => {
    const place = { pathname: '/p/tb/read', search: '' };
    vi.stubGlobal('location', place);
    vi.stubGlobal('addEventListener', () => undefined);
    vi.stubGlobal('document', { addEventListener: () => undefined });
    vi.stubGlobal('scrollTo', () => undefined);
    vi.stubGlobal('history', {
      pushState: (_: unknown, __: string, to: string) => (place.pathname = to),
      replaceState: (_: unknown, __: string, to: string) => (place.pathname = to),
    });
    const ask = vi.fn();
    const load = () => Promise.reject(new Error('not here'));
    const pages: Route[] = [
      { path: '/p/:slug/read/:slot?', load, ask },
      { path: '/p/:slug/list', load },
    ];
    router.start(pages);
    expect(ask.mock.calls).toEqual([[{ slug: 'tb', slot: '' }]]);
    router.go('/p/tb/read/7', { replace: true });
    router.go('/p/tb/list');
    expect(ask).toHaveBeenCalledTimes(1);
    router.go('/p/tb/read/8');
    expect(ask).toHaveBeenLastCalledWith({ slug: 'tb', slot: '8' });
  });
});

describe('the sidebar', () => {
  it('shows a reader the overview, the list, what is asked and how cases are hung alone', () => {
    const pages = pagesFor(['project.view', 'cases.read']);
    expect(pages.map(({ path }) => path)).toEqual(['', '/list', '/schema', '/hanging']);
  });

  it('leads only to pages that exist, each by its own key', () => {
    const pages = pagesFor(['cases.view', 'rounds.view', 'datasets.view', 'images.import', 'members.view']);
    for (const { path } of pages) expect(at(`/p/tb${path}`), path).not.toBeNull();
    expect(new Set(pages.map(({ key }) => key)).size).toBe(pages.length);
  });
});

describe('what to do next', () => {
  it('leads only where the person may go', () => {
    expect(mayOpen(['project.view', 'cases.read'], 'read')).toBe(true);
    expect(mayOpen(['project.view', 'rounds.view'], 'read')).toBe(false);
    expect(mayOpen(['project.view', 'rounds.view'], 'rounds/3')).toBe(true);
    expect(mayOpen(['project.view'], '/import')).toBe(false);
    expect(mayOpen(['project.view'], '')).toBe(true);
  });
});
