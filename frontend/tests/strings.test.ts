import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en } from '../src/strings/en';
import { words } from '../src/strings/en/words';

const root = new URL('../src/', import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => /\.(svelte|ts)$/.test(path) && !path.startsWith('strings/en'),
);
const source = files.map((path) => readFileSync(new URL(path, root), 'utf8')).join('\n');

describe('the table of texts', () => {
  it('holds nothing that no page says', () => {
    const composed = new Set([...source.matchAll(/t\(`([\w.]+)\$\{/g)].map(([, prefix]) => prefix ?? ''));
    const unused = Object.keys(en).filter(
      (key) =>
        !(key in words) &&
        !source.includes(`'${key}'`) &&
        ![...composed].some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });

  it('holds a group of words for each that the pages look up', () => {
    const groups = new Set([...source.matchAll(/\bword\('(\w+)'/g)].map(([, group]) => group));
    for (const group of groups) {
      expect(
        Object.keys(en).some((key) => key.startsWith(`${group}.`)),
        group,
      ).toBe(true);
    }
  });
});
