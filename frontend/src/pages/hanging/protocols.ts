/** Hanging protocols as they are edited: what a new one holds, and how one is changed without breaking it. */

import type { HangingProtocols } from '../../api/types';

export type Protocol = HangingProtocols['document']['protocols'][number];
export type Rule = NonNullable<Protocol['panes'][number]>;
export type Condition = NonNullable<Protocol['when']>;
export type Layout = Protocol['layout'];

export const ORIGINS = ['case', 'study', 'prior'] as const;
export const SHOWN_AS = ['stack', 'axial', 'sagittal', 'coronal'] as const;
export const LINKS = ['scroll', 'window', 'view'] as const;
/** Offered in the form; a window of any other centre and width is written as numbers. */
export const WINDOWS = [
  { name: 'preset.softTissue', center: 40, width: 400 },
  { name: 'preset.lung', center: -600, width: 1500 },
  { name: 'preset.liver', center: 90, width: 150 },
  { name: 'preset.bone', center: 480, width: 2500 },
  { name: 'preset.brain', center: 40, width: 80 },
] as const;

/** "CT, MR" as a list; nothing twice, nothing empty. */
export const wordsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((word) => word.trim())
      .filter(Boolean),
  ),
];

/** A code made of the name that no other protocol has. */
export function codeFor(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);
  const stem = plain || 'protocol';
  for (let number = 1; ; number++) {
    const code = number === 1 ? stem : `${stem}-${number}`;
    if (!taken.includes(code)) return code;
  }
}

export const blank = (name: string, taken: readonly string[]): Protocol => ({
  code: codeFor(name, taken),
  name,
  when: {},
  layout: { rows: 1, columns: 1 },
  panes: [{ from: 'case', number: 1, show: 'stack' }],
  links: {},
  crosshairs: false,
});

export const roomOf = ({ rows, columns }: Layout): number => rows * columns;

/** Panes that no longer fit are gone; new ones show the next series of the case. */
export function resized(protocol: Protocol, layout: Layout): Protocol {
  const room = roomOf(layout);
  const panes = protocol.panes.slice(0, room);
  while (panes.length < room) panes.push({ from: 'case', number: panes.length + 1, show: 'stack' });
  return { ...protocol, layout, panes };
}

export const withPane = (protocol: Protocol, index: number, pane: Rule | null): Protocol => ({
  ...protocol,
  panes: protocol.panes.map((one, at) => (at === index ? pane : one)),
});

/** Without what says nothing, so that a cleared field is no condition. */
export function withCondition(protocol: Protocol, change: Partial<Condition>): Protocol {
  const when = { ...protocol.when, ...change };
  const kept = Object.entries(when).filter(
    ([, value]) =>
      value !== undefined &&
      !(Array.isArray(value) && value.length === 0) &&
      !(typeof value === 'object' && Object.keys(value).length === 0),
  );
  return { ...protocol, when: Object.fromEntries(kept) as Condition };
}

/** The place in the list that a problem's `where` names ("protocols.2.panes"); -1 if it names none. */
export function placeOf(where: string): number {
  const match = /^(?:document\.)?protocols\.(\d+)/.exec(where);
  return match ? Number(match[1]) : -1;
}
