import { describe, expect, it } from 'vitest';
import { fromAddress, isOn, isSame, named, NONE, toAddress, toKeep } from '../../src/pages/list/filter';

const STAGES = ['draft', 'done'];
const from = (text: string) => {
  const query = new URLSearchParams(text);
  return fromAddress((name) => query.get(name) ?? '', STAGES);
};

describe('the filter in the address', () => {
  it('comes back as it was put there', () => {
    const filter = { ...NONE, state: 'draft', modality: 'CT', due: 'week', search: 'left knee' } as const;
    expect(from(new URLSearchParams(toAddress(filter)).toString())).toEqual(filter);
  });

  it('leaves out what this person cannot ask for', () => {
    expect(from('stage=awaiting&due=someday&flag=red')).toEqual(NONE);
  });
});

it('is on as soon as one part narrows', () => {
  expect(isOn(NONE)).toBe(false);
  expect(isOn({ ...NONE, flag: 'issue' })).toBe(true);
  expect(isSame({ ...NONE, modality: 'CT' }, { ...NONE, modality: 'MR' })).toBe(false);
});

it('is kept without its empty parts, under a name that says what it does', () => {
  const filter = { ...NONE, modality: 'CT', body_part: 'CHEST', state: 'draft' } as const;
  expect(toKeep(filter)).toEqual({ modality: 'CT', body_part: 'CHEST', state: 'draft' });
  expect(named(filter)).toBe('CT · chest · Draft');
});
