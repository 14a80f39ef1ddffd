import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { t } from '../src/strings';
import { en } from '../src/strings/en';
import { words } from '../src/strings/en/words';

const root = new URL('../src/', import.meta.url);
const everything = readdirSync(root, { recursive: true, encoding: 'utf8' });
const tablesIn = (folder: string) =>
  everything.filter((path) => path.startsWith(folder) && path.endsWith('.ts'));
const files = everything.filter((path) => /\.(svelte|ts)$/.test(path) && !/^strings\/(en|fr)\//.test(path));
const source = files.map((path) => readFileSync(new URL(path, root), 'utf8')).join('\n');

it('groups the digits of what is counted, and leaves the number of a case as it is', () => {
  expect(t('list.frames', { n: 12_345 })).toBe('12,345 images');
  expect(t('room.title', { id: 12_345 })).toBe('Case 12345');
});

describe('the table of texts', () => {
  it('has each key once, so that no part of it hides another', () => {
    const tables = tablesIn('strings/en/').map((path) => readFileSync(new URL(path, root), 'utf8'));
    const keys = tables.flatMap((text) => [...text.matchAll(/^ {2}'([\w.]+)':/gm)].map(([, key]) => key));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
    expect(keys).toHaveLength(Object.keys(en).length);
  });

  it('holds nothing that no page says', () => {
    const composed = new Set([
      ...[...source.matchAll(/t\(`([\w.]+)\$\{/g)].map(([, prefix]) => prefix ?? ''),
      ...[...source.matchAll(/\bword\('(\w+)'/g)].map(([, group]) => `${group}.`),
    ]);
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

describe('a text', () => {
  it('names a case by its number as it is, and groups the digits of amounts alone', () => {
    expect(t('case.name', { id: 12345 })).toBe('Case 12345');
    expect(t('list.frames', { n: 12345 })).toBe('12,345 images');
  });
});
