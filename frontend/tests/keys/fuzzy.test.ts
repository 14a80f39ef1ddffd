import { expect, it } from 'vitest';
import { rank, score } from '../../src/keys/fuzzy';

const all = ['Previous image', 'Next image', 'Smaller brush', 'Brush', 'Reset view'];
const find = (typed: string, recent: string[] = []) =>
  rank(
    all,
    typed,
    (one) => [one],
    (one) => recent.indexOf(one),
  );

it('finds letters in their order, whatever lies between', () => {
  expect(score('nxtim', 'Next image')).not.toBeNull();
  expect(score('im next', 'Next image')).toBeNull();
  expect(find('zz')).toEqual([]);
});

it('puts what begins so before what merely holds it', () => {
  expect(find('brush')).toEqual(['Brush', 'Smaller brush']);
  expect(find('ni')[0]).toBe('Next image');
});

it('puts what was used last first, and else keeps the order', () => {
  expect(find('')).toEqual(all);
  expect(find('', ['Brush', 'Next image']).slice(0, 3)).toEqual(['Brush', 'Next image', 'Previous image']);
});
