/** French as a person reads it: every key, its gaps, its typography, its plurals and its numbers. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { en } from '../src/strings/en';
import { fr } from '../src/strings/fr';
import type { Text } from '../src/strings/shape';

type Key = keyof typeof en;
const keys = Object.keys(en) as Key[];
const forms = (text: Text): string[] => (typeof text === 'string' ? [text] : [text.one, text.other]);
const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();

/** Words that are the same in both languages, names, and units. */
const SHARED = new Set(
  `image images action actions voxel voxels version score dice auroc auprc ensemble ensembles
  densenet vit efficientnet net segresnet consilium site code zoom ellipse contour angle rectangle axial sagittal
  coronal ax sag cor segmentation classification validation suggestions source classes segment union intersection
  volume minimum maximum patients configuration administration abdomen
  question questions option options condition date place substance versions
  falcun badge center typiclust probcover
  mm ms kv ma mas ml mm³ px tr te ti suv`.split(/\s+/),
);
const wordsOf = (text: string) =>
  [...text.replace(/\{\w+\}/g, '').matchAll(/\p{L}[\p{L}³]+/gu)].map(([word]) => word.toLowerCase());

describe('each text of the French table', () => {
  it('has the gaps of the English one, in each of its forms', () => {
    const all = (text: Text) => [...new Set(forms(text).flatMap(gaps))].sort();
    const wrong = keys.filter((key) =>
      forms(fr[key]).some((form) => gaps(form).join() !== all(en[key]).join()),
    );
    expect(wrong).toEqual([]);
  });

  it('is translated, but for words that both languages share', () => {
    const untouched = keys.filter((key) => forms(fr[key]).join() === forms(en[key]).join());
    const words = untouched.flatMap((key) => forms(en[key]).flatMap(wordsOf));
    expect(words.filter((word) => !SHARED.has(word))).toEqual([]);
    expect([...SHARED].filter((word) => !words.includes(word))).toEqual([]);
  });

  it.each([
    ['a narrow space that does not break before ; : ! ?', /[^\u202f\d«]([;!?]|:(?![/\d]))/u],
    ['one within « »', /«[^\u202f]|[^\u202f]»/u],
    ['and before %', /[^\u202f]%/u],
    ['no straight quotation marks or apostrophes', /["']/u],
    ['an ellipsis of one sign', /\.\.\./u],
    ['no space at either end, nor two in a row', /^\s|\s$| {2}(?!N )/u],
  ])('has %s', (_, wrong) => {
    const shown = keys.flatMap((key) =>
      forms(fr[key]).map((text) => `${key} = ${text.replace('Authorization: Bearer', '')}`),
    );
    expect(shown.filter((line) => wrong.test(line.slice(line.indexOf(' = ') + 3)))).toEqual([]);
  });
});

describe('speaking French', () => {
  beforeEach(() => {
    vi.resetModules();
  });

  it('takes zero and one together, and counts with narrow spaces', async () => {
    const { speak, t } = await import('../src/strings');
    await speak('fr-CA');
    expect(t('list.frames', { n: 0 })).toBe('0 image');
    expect(t('list.frames', { n: 1 })).toBe('1 image');
    expect(t('list.frames', { n: 2 })).toBe('2 images');
    expect(t('list.frames', { n: 12_345 })).toBe('12\u202f345 images');
    expect(t('case.name', { id: 12_345 })).toBe('Cas 12345');
  });

  it('writes numbers, sizes, times and shares as the language does', async () => {
    const { speak } = await import('../src/strings');
    await speak('fr');
    const { ago, bytes, date, decimal, interval, metric, percent, plain } =
      await import('../src/strings/format');
    expect(metric(0.8534)).toBe('0,853');
    expect(interval(0.81, 0.9, 2)).toBe('0,81–0,90');
    expect(decimal(1234.56, 1)).toBe('1234,6');
    expect(plain(2.5)).toBe('2,5');
    expect(bytes(62_900_000)).toBe('62,9 Mo');
    expect(percent(0.5)).toMatch(/^50\s%$/);
    expect(date('2026-11-23T12:00:00Z')).toBe('23 nov. 2026');
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(ago('2026-11-23T11:59:40Z', now)).toBe('à l’instant');
    expect(ago('2026-11-22T11:00:00Z', now)).toBe('hier');
    expect(ago('2026-11-25T13:00:00Z', now)).toBe('après-demain');
  });

  it('is English again for a language that is not here', async () => {
    const strings = await import('../src/strings');
    await strings.speak('fr');
    expect(strings.language).toBe('fr');
    await strings.speak('de-CH');
    expect(strings.language).toBe('en');
    expect(strings.t('nav.list')).toBe('Reading list');
  });

  it('finds an action by its English name as well, and by a name without accents', async () => {
    const { inEnglish, speak, t } = await import('../src/strings');
    const { rank } = await import('../src/keys/fuzzy');
    expect(inEnglish(t('tool.brush'))).toBe('');
    await speak('fr');
    expect(inEnglish(t('tool.brush'))).toBe('Brush');
    expect(inEnglish(t('key.preset', { name: t('preset.lung') }))).toBe('Window: Lung');
    expect(inEnglish(t('key.class', { name: 'Nodule' }))).toBe('Class: Nodule');
    const labels = [t('tool.eraser'), t('tool.brush'), t('tool.redo')];
    const find = (typed: string) =>
      rank(
        labels,
        typed,
        (one) => [one, inEnglish(one)],
        () => -1,
      );
    expect(find('brush')).toEqual(['Pinceau']);
    expect(find('pinceau')).toEqual(['Pinceau']);
    expect(find('retablir')).toEqual(['Rétablir']);
    const { nameOf } = await import('../src/keys/notation');
    expect(nameOf('Control+Shift+Delete')).toBe('Ctrl+Maj+Suppr');
  });
});
