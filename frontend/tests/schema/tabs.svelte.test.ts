import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Stash } from '../../src/pages/schema/stash';
import { Tabs } from '../../src/pages/schema/tabs.svelte';

/** What is kept are its properties, as in a browser; its ways are not listed among them. */
class Kept {
  getItem(key: string): string | null {
    return (Reflect.get(this, key) as string | undefined) ?? null;
  }
  setItem(key: string, value: string): void {
    Reflect.set(this, key, value);
  }
  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
}

const heard = () => new Promise((done) => setTimeout(done, 20));
const opened: Tabs[] = [];
let session: Kept;

/** A tab with a session of its own, or one that is copied. */
function tab(own = new Kept()): Tabs {
  session = own;
  vi.stubGlobal('sessionStorage', session);
  const made = new Tabs('ann', 'lungs');
  opened.push(made);
  return made;
}

beforeEach(() => vi.stubGlobal('localStorage', new Kept()));
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  vi.unstubAllGlobals();
});

it('tabs hear of each other, of changes that are not saved, and of the end', async () => {
  const [first, second] = [tab(), tab()];
  await heard();
  expect([first.changing, second.changing]).toEqual([false, false]);
  expect(first.open).toEqual(new Set([second.id]));
  second.tell(true);
  await heard();
  expect([first.changing, second.changing]).toEqual([true, false]);
  const third = tab();
  await heard();
  expect(third.changing).toBe(true);
  second.close();
  await heard();
  expect([first.changing, third.changing]).toEqual([false, false]);
});

it('a tab has the same name after a reload, and a copy of it another one', async () => {
  const kept = new Kept();
  const first = tab(kept);
  const { id } = first;
  await heard();
  const copy = tab(kept);
  await heard();
  expect(first.id).toBe(id);
  expect(copy.id).not.toBe(id);
  first.close();
  copy.close();
  kept.setItem('consilium.schema.tab', id);
  expect(tab(kept).id).toBe(id);
});

it('each tab keeps its own draft, and takes up only what a closed one left', () => {
  const stash = (name: string) => new Stash('ann', 'lungs', () => name);
  stash('a').keep({ base: 1, document: { guideline: 'A' } });
  stash('b').keep({ base: 2, document: { guideline: 'B' } });
  expect(stash('a').own?.document).toEqual({ guideline: 'A' });
  expect(stash('c').adopt(new Set(['a', 'b']))).toBeNull();
  expect(stash('c').adopt(new Set(['a']))).toMatchObject({ base: 2, document: { guideline: 'B' } });
  expect(stash('b').own).toBeNull();
  expect(stash('c').own?.base).toBe(2);
  stash('c').forget();
  expect(stash('c').own).toBeNull();
  expect(new Stash('bob', 'lungs', () => 'd').adopt(new Set())).toBeNull();
});
