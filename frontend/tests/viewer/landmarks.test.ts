import { expect, it } from 'vitest';
import { faultsOf, nextOf, placedOf } from '../../src/viewer/landmarks';
import type { Mark } from '../../src/viewer/types';

const label = { code: 'skull', landmarks: ['Nasion', 'Sella', 'Gonion'] };

let made = 0;
const point = (text: string, changes: Partial<Mark> = {}): Mark => ({
  tracking_uid: `2.25.${(made += 1)}`,
  kind: 'landmark',
  label_class: 'skull',
  sop_instance_uid: '1.2.3',
  frame: 1,
  points_px: [[1, 1]],
  mask: null,
  series: null,
  text,
  ...changes,
});

it('the next name is the first that is free, or the wanted one, or the first free after that', () => {
  const placed = placedOf(label, [point('Nasion')]);
  expect(nextOf(label, new Map(), '')).toBe('Nasion');
  expect(nextOf(label, placed, '')).toBe('Sella');
  expect(nextOf(label, placed, 'Gonion')).toBe('Gonion');
  expect(nextOf(label, placedOf(label, [point('Gonion')]), 'Gonion')).toBe('Nasion');
  expect(
    nextOf(
      label,
      placedOf(
        label,
        label.landmarks.map((name) => point(name)),
      ),
      '',
    ),
  ).toBeNull();
});

it('points of other classes and other kinds take no name', () => {
  const others = [point('Nasion', { label_class: 'spine' }), point('Sella', { kind: 'arrow' })];
  expect(placedOf(label, others).size).toBe(0);
});

it('a name that is none, a name that is there twice and, where required, a missing one are faults', () => {
  const marks = [point('Nasion'), point('Nasion'), point('Elsewhere')];
  expect(faultsOf(label, marks, false).map(({ fault }) => fault)).toEqual(['twice', 'unnamed']);
  const missing = faultsOf(label, marks, true).filter(({ fault }) => fault === 'missing');
  expect(missing.map(({ name }) => name)).toEqual(['Sella', 'Gonion']);
  expect(faultsOf({ code: 'skull' }, marks, true)).toEqual([]);
});
