import { describe, expect, it } from 'vitest';
import { ACTIONS } from '../../src/keys/actions';
import { give, holderOf, keysFor, PROFILES, refusal, reset } from '../../src/keys/profiles';

describe.each(PROFILES)('the profile %s', (profile) => {
  const keys = keysFor(profile);

  it('gives every action a key', () => {
    expect(ACTIONS.filter(({ id }) => !keys[id]?.length).map(({ id }) => id)).toEqual([]);
    expect(Object.keys(keys)).toHaveLength(ACTIONS.length);
  });

  it('gives no key to two actions', () => {
    const all = Object.values(keys).flat();
    expect(all.filter((key, at) => all.indexOf(key) !== at)).toEqual([]);
  });

  it('uses no key that a reader could not have chosen, but Enter and Escape', () => {
    const all = Object.values(keys).flat();
    expect(all.filter((key) => refusal(key, {}))).toEqual(['Enter', 'Escape']);
  });
});

describe("the reader's own keys", () => {
  it('go before those of the profile', () => {
    const keys = keysFor('default', { 'tool.box': ['b'] });
    expect(keys['tool.box']).toEqual(['b']);
    expect(keys['tool.brush']).toEqual([]);
  });

  it('of an action that is no more do nothing', () => {
    expect(keysFor('ohif', { 'tool.gone': ['b'] })).toEqual(keysFor('ohif'));
  });

  it('replace all keys of the action', () => {
    const own = give(keysFor('default'), {}, 'edit.redo', 'Control+j');
    expect(keysFor('default', own)['edit.redo']).toEqual(['Control+j']);
  });
});

describe('a key that another action has', () => {
  const keys = keysFor('default');

  it('is known by the action that has it, and by no other', () => {
    expect(holderOf(keys, 'b', 'tool.box')).toBe('tool.brush');
    expect(holderOf(keys, 'b', 'tool.brush')).toBeNull();
    expect(holderOf(keys, 'x', 'tool.box')).toBeNull();
  });

  it('is swapped for the one that becomes free', () => {
    expect(give(keys, {}, 'tool.box', 'b')).toEqual({ 'tool.box': ['b'], 'tool.brush': ['r'] });
  });

  it('is taken where the other has a second one', () => {
    expect(give(keys, {}, 'tool.box', 'Delete')).toEqual({
      'tool.box': ['Delete'],
      'marks.remove': ['Backspace'],
    });
  });

  it('comes back with all that it was swapped for', () => {
    const own = give(keys, { 'view.fit': ['x'] }, 'tool.box', 'b');
    const round = give(keysFor('default', own), own, 'tool.length', 'r');
    expect(reset('default', round, 'tool.box')).toEqual({ 'view.fit': ['x'] });
  });
});

describe('a key that no action may have', () => {
  it.each(['5', '?', 'Control+k', 'Escape', 'Tab', 'Enter', 'Control+w', 'Control+t', 'F5', 'Alt+ArrowLeft'])(
    '%s is refused with a sentence',
    (key) => expect(refusal(key, {})).toMatch(/\.$/),
  );

  it('belongs to an answer of this project, which is named', () => {
    const why = refusal('v', { v: 'Answer: Valid' });
    expect(why).toContain('V belongs to “Answer: Valid”');
    expect(refusal('v', {})).toBe('');
  });

  it.each(['q', 'Shift+q', 'Alt+q', ';', 'ArrowLeft', 'Control+j', 'Shift+Digit1'])(
    '%s is free to have',
    (key) => expect(refusal(key, {})).toBe(''),
  );
});
