import { describe, expect, it } from 'vitest';
import { Arrangement, LAYOUTS } from '../../src/pages/reading-room/arrangement.svelte';
import type { Hanging, Hung } from '../../src/pages/reading-room/types';

const hung = (code: string, panes: (number | null)[], rows = 1, columns = panes.length): Hung => ({
  code,
  name: code,
  built_in: false,
  why: 'CT',
  layout: { rows, columns },
  panes: panes.map((series) => ({ series, show: 'stack', window: null })),
  links: { scroll: true, window: false, view: false },
  crosshairs: false,
});
const beside = (id: number) => ({
  id,
  description: '',
  modality: 'CT',
  frame_count: 1,
  origin: 'prior' as const,
  study: 1,
  days_before: 3,
  thumbnail_url: '',
});
const hanging = (...protocols: Hung[]): Hanging => ({ version: 1, protocols, beside: [beside(9)] });
const opened = (own: number[], given: Hanging | null = null): Arrangement => {
  const made = new Arrangement();
  made.open(own, given);
  return made;
};
const shown = (arrangement: Arrangement) => arrangement.panes.map(({ series }) => series);

describe('a case opens', () => {
  it('with its first series where nobody says otherwise', () => {
    const made = opened([4, 5]);
    expect(shown(made)).toEqual([4]);
    expect(made.applied).toBeNull();
  });

  it('as the first protocol says, in the first pane that shows something', () => {
    const made = opened([4, 5], hanging(hung('pair', [null, 5]), hung('one', [4])));
    expect(shown(made)).toEqual([null, 5]);
    expect(made.active).toBe(1);
    expect(made.links.scroll).toBe(true);
    expect(made.applied?.code).toBe('pair');
  });

  it('and fills the layout with empty panes', () => {
    expect(shown(opened([4], hanging(hung('four', [4], 2, 2))))).toEqual([4, null, null, null]);
  });
});

describe('the next protocol', () => {
  it('follows in turn, and the first comes after the last', () => {
    const made = opened([4, 5], hanging(hung('a', [4]), hung('b', [5])));
    expect([made.nextProtocol()?.code, made.nextProtocol()?.code]).toEqual(['b', 'a']);
  });

  it('is none where no other fits', () => {
    expect(opened([4], hanging(hung('a', [4]))).nextProtocol()).toBeNull();
    expect(opened([4]).nextProtocol()).toBeNull();
  });
});

describe('another layout', () => {
  it('goes through all of them and comes back', () => {
    const made = opened([4]);
    const sizes = LAYOUTS.map(() => {
      made.nextLayout();
      return `${made.layout.rows}x${made.layout.columns}`;
    });
    expect(sizes).toEqual(['1x2', '2x1', '1x3', '2x2', '2x3', '3x3', '1x1']);
  });

  it('shows in new panes what is not shown yet, then the same again', () => {
    const made = opened([4, 5], hanging(hung('a', [4])));
    made.setLayout({ rows: 2, columns: 2 });
    expect(shown(made)).toEqual([4, 5, 9, 4]);
  });

  it('keeps the active pane, however few there are', () => {
    const made = opened([4, 5], hanging(hung('a', [4, 5])));
    made.active = 1;
    made.setLayout({ rows: 1, columns: 1 });
    expect(shown(made)).toEqual([5]);
    expect(made.active).toBe(0);
  });
});

describe('a series is put into a pane', () => {
  it('by key, the next one into the active pane', () => {
    const made = opened([4, 5], hanging(hung('a', [4, 4])));
    made.nextPane();
    made.step(1);
    expect(shown(made)).toEqual([4, 5]);
    made.step(1);
    made.step(1);
    expect(shown(made)).toEqual([4, 9]);
  });

  it('by hand, into the pane that it was dropped on, which becomes active', () => {
    const made = opened([4, 5], hanging(hung('a', [4, 4])));
    made.place(5, { pane: 1 });
    expect(shown(made)).toEqual([4, 5]);
    expect(made.active).toBe(1);
  });
});

describe('planes', () => {
  it('show the active series three ways and as it was acquired, with crosshairs', () => {
    const made = opened([4, 5], hanging(hung('a', [4, 5])));
    made.active = 1;
    made.togglePlanes();
    expect(made.panes.map(({ show }) => show)).toEqual(['axial', 'sagittal', 'coronal', 'stack']);
    expect(shown(made)).toEqual([5, 5, 5, 5]);
    expect(made.crosshairs).toBe(true);
  });

  it('give way to what was there before', () => {
    const made = opened([4, 5], hanging(hung('a', [4, 5])));
    made.active = 1;
    made.togglePlanes();
    made.togglePlanes();
    expect(shown(made)).toEqual([4, 5]);
    expect([made.active, made.crosshairs]).toEqual([1, false]);
  });

  it('are no place to show a frame as it was acquired', () => {
    const made = opened([4]);
    made.togglePlanes();
    expect(made.paneOf(4)).toBe(3);
    expect(made.paneOf(5)).toBe(-1);
  });
});
