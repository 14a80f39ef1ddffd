/** The address bar as state: which page is shown, with which parameters. */
import { parse } from 'regexparam';
import type { Component } from 'svelte';

export interface Route {
  path: string;
  /** Fetches the page's code; each page is its own chunk. */
  load: () => Promise<{ default: Component<never> }>;
  /** Asks for what the page will need, as soon as the address is known: while its code loads. */
  ask?: (params: Record<string, string>) => void;
  /** The page fills the window: no sidebar, no footer. */
  bare?: boolean;
}

export interface Match {
  route: Route;
  params: Record<string, string>;
}

interface Compiled {
  route: Route;
  keys: string[];
  pattern: RegExp;
}

export function compile(routes: readonly Route[]): Compiled[] {
  return routes.map((route) => ({ route, ...parse(route.path) }));
}

export function find(compiled: readonly Compiled[], pathname: string): Match | null {
  for (const { route, keys, pattern } of compiled) {
    const found = pattern.exec(pathname);
    if (!found) continue;
    const params = keys.map((key, index) => [key, decodeURIComponent(found[index + 1] ?? '')]);
    return { route, params: Object.fromEntries(params) };
  }
  return null;
}

class Router {
  #compiled: Compiled[] = [];
  pathname = $state('/');
  search = $state('');
  /** A page with something unsaved: takes over the way out, and goes on with `force` when it is asked to. */
  #held: ((to: string) => boolean) | null = null;
  #asked: Route | null = null;
  readonly match = $derived(find(this.#compiled, this.pathname));

  start(routes: readonly Route[]): void {
    this.#compiled = compile(routes);
    this.#read();
    addEventListener('popstate', () => this.#back());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  go(to: string, { replace = false, force = false } = {}): void {
    if (!replace && !force && this.#held?.(to)) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    this.#read();
    if (!replace) scrollTo(0, 0);
  }

  /** Until the returned function is called, `hold` is asked before another page is shown; true keeps this one. */
  hold(hold: (to: string) => boolean): () => void {
    this.#held = hold;
    return () => {
      this.#held = null;
    };
  }

  /** The value of one query parameter, empty if absent. */
  query(name: string): string {
    return new URLSearchParams(this.search).get(name) ?? '';
  }

  /** Changes query parameters in place, so that a reload or a shared address shows the same. */
  setQuery(values: Record<string, string>): void {
    const query = new URLSearchParams(this.search);
    for (const [name, value] of Object.entries(values)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    this.go(this.pathname + (text ? `?${text}` : ''), { replace: true });
  }

  #back(): void {
    const to = location.pathname + location.search;
    if (location.pathname !== this.pathname && this.#held?.(to)) {
      history.pushState(null, '', this.pathname + this.search);
      return;
    }
    this.#read();
  }

  #read(): void {
    this.pathname = location.pathname;
    this.search = location.search;
    const found = find(this.#compiled, this.pathname);
    if (found && found.route !== this.#asked) found.route.ask?.(found.params);
    this.#asked = found?.route ?? null;
  }

  #follow(event: MouseEvent): void {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!plain || event.defaultPrevented || !link?.href || link.target || link.hasAttribute('download'))
      return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !find(this.#compiled, url.pathname)) return;
    event.preventDefault();
    this.go(url.pathname + url.search + url.hash);
  }
}

export const router = new Router();
