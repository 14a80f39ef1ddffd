/** No page writes words of its own: all of them are in the tables, so that each can be translated. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'svelte/compiler';
import { expect, it } from 'vitest';

const root = new URL('../src/', import.meta.url);
const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.svelte'),
);

/** Attributes that are seen or heard. */
const SPOKEN = new Set([
  'alt',
  'aria-description',
  'aria-label',
  'aria-roledescription',
  'aria-valuetext',
  'label',
  'placeholder',
  'title',
]);
/** Names of keys, formats and units are the same in every language. */
const SAME = /^(?:PNG|JPEG|DICOM|mm|px|ml|HU|SUV|AI|\d+D)$/;

interface Node {
  type: string;
  name?: string;
  data?: string;
  value?: unknown;
  [child: string]: unknown;
}

const words = (text: string) =>
  text.split(/\s+/).filter((word) => /\p{L}{2}/u.test(word) && !SAME.test(word));

function* literals(node: unknown, spoken = true): Generator<string> {
  if (Array.isArray(node)) {
    for (const one of node) yield* literals(one, spoken);
    return;
  }
  if (!node || typeof node !== 'object') return;
  const { type, name, data, ...children } = node as Node;
  if (type === 'Text') {
    if (spoken) yield* words(data ?? '');
  } else if (type === 'Attribute') {
    if (SPOKEN.has(name ?? '')) yield* literals(children.value);
  } else if (type === 'ExpressionTag' || type === 'StyleDirective') {
    return;
  } else {
    for (const child of Object.values(children)) yield* literals(child, spoken);
  }
}

const literalsOf = (source: string) => [...literals(parse(source, { modern: true }).fragment)];

it('sees a word in the text and in what is read aloud', () => {
  expect(literalsOf('<p class="some words">Hello {name}</p>')).toEqual(['Hello']);
  expect(literalsOf('<img alt="A lung" title={t("x")} />{#if a}<b>{b} there</b>{/if}')).toEqual([
    'lung',
    'there',
  ]);
});

it.each(pages)('%s writes none of its own', (path) => {
  expect(literalsOf(readFileSync(new URL(path, root), 'utf8'))).toEqual([]);
});
