/** Every key of the reading room, as one table: what it is called, where it is listed, what it does. */

import type { Shortcut } from '../../state/shortcuts.svelte';
import { type Key, t } from '../../strings';
import type { Tool } from '../../viewer/state';
import { DRAWN_KINDS, type LabelClass, type MarkKind, type Window } from '../../viewer/types';

/** What the keys can do; the page fills it in. */
export interface Actions {
  step(by: number): void;
  toEnd(last: boolean): void;
  series(by: number): void;
  zoom(factor: number): void;
  fit(): void;
  reset(): void;
  invert(): void;
  preset(index: number): void;
  tool(tool: Tool): void;
  brushSize(direction: 1 | -1): void;
  toggleBall(): void;
  chooseClass(index: number): void;
  toggleHidden(): void;
  removeSelected(): void;
  cancel(): void;
  undo(): void;
  redo(): void;
  option(key: string): void;
  question(by: 1 | -1): void;
  jump(): void;
  submit(): void;
  skip(): void;
  issue(): void;
}

export interface Offered {
  presets: readonly Window[];
  classes: readonly LabelClass[];
  marks: readonly MarkKind[];
  /** What the active question can be answered with, and the key of each ('' for none). */
  options: readonly { key: string; label: string }[];
  /** A reading that is corrected is the reader's own: it cannot be left to another. */
  corrects: boolean;
}

const TOOL_KEYS: Partial<Record<Tool, string>> = {
  window: 'w',
  pan: 'p',
  zoom: 'z',
  box: 'r',
  ellipse: 'o',
  contour: 'c',
  length: 'l',
  circle: 'Shift+o',
  polyline: 'Shift+c',
  bidirectional: 'Shift+l',
  angle: 'a',
  cobb_angle: 'Shift+a',
  landmark: 'm',
  arrow: 't',
  brush: 'b',
  eraser: 'e',
};
/** Letters that the room itself acts on; a label schema may not give them to an option. */
export const ROOM_KEYS = 'abcdefhijlmnoprstwz';
const ZOOM_STEP = 1.2;
const PAGE = 10;

export const keyOfTool = (tool: Tool): string =>
  (TOOL_KEYS[tool] ?? '').replace(/.$/, (letter) => letter.toUpperCase());

/** The tools that a schema gives a reader, in the order of the toolbar. */
export function toolsFor(marks: readonly MarkKind[]): Tool[] {
  const drawn = DRAWN_KINDS.filter((kind) => marks.includes(kind));
  return [
    'window',
    'pan',
    'zoom',
    ...drawn,
    ...(marks.includes('labelmap') ? (['brush', 'eraser'] as const) : []),
  ];
}

type Row = [keys: string, label: string, run: () => void];

function group(title: Key, rows: Row[]): Shortcut[] {
  return rows.map(([keys, label, run]) => ({ keys, label, run, group: t(title) }));
}

function image(actions: Actions, { presets }: Offered): Shortcut[] {
  return group('keys.image', [
    ['ArrowUp', t('key.previous'), () => actions.step(-1)],
    ['ArrowDown', t('key.next'), () => actions.step(1)],
    ['Shift+ArrowUp', t('key.tenBack'), () => actions.step(-PAGE)],
    ['Shift+ArrowDown', t('key.tenOn'), () => actions.step(PAGE)],
    ['Home', t('key.first'), () => actions.toEnd(false)],
    ['End', t('key.last'), () => actions.toEnd(true)],
    ['PageUp', t('key.previousSeries'), () => actions.series(-1)],
    ['PageDown', t('key.nextSeries'), () => actions.series(1)],
    ['+', t('key.zoomIn'), () => actions.zoom(ZOOM_STEP)],
    ['-', t('key.zoomOut'), () => actions.zoom(1 / ZOOM_STEP)],
    ['f', t('tool.fit'), actions.fit],
    ['Space', t('tool.reset'), actions.reset],
    ['i', t('tool.invert'), actions.invert],
    ...presets.map(({ name }, i): Row => [
      `Alt+Digit${i + 1}`,
      t('key.preset', { name }),
      () => actions.preset(i),
    ]),
  ]);
}

function tools(actions: Actions, { marks }: Offered): Shortcut[] {
  const rows = toolsFor(marks).map((tool): Row => [
    TOOL_KEYS[tool] as string,
    t(`tool.${tool}`),
    () => actions.tool(tool),
  ]);
  const brush: Row[] = [
    ['[', t('tool.smaller'), () => actions.brushSize(-1)],
    [']', t('tool.larger'), () => actions.brushSize(1)],
    ['d', t('tool.ball'), actions.toggleBall],
  ];
  return group('keys.tools', marks.includes('labelmap') ? [...rows, ...brush] : rows);
}

function marking(actions: Actions, { marks, classes }: Offered): Shortcut[] {
  const history: Row[] = [
    ['Control+z', t('tool.undo'), actions.undo],
    ['Control+y', t('tool.redo'), actions.redo],
    ['Control+Shift+z', t('tool.redo'), actions.redo],
  ];
  if (!marks.length) return group('keys.marks', history);
  return group('keys.marks', [
    ...classes
      .slice(0, 9)
      .map(({ name }, i): Row => [
        `Shift+Digit${i + 1}`,
        t('key.class', { name }),
        () => actions.chooseClass(i),
      ]),
    ['h', t('tool.hide'), actions.toggleHidden],
    ['Delete', t('key.remove'), actions.removeSelected],
    ['Backspace', t('key.remove'), actions.removeSelected],
    ...history,
  ]);
}

function answering(actions: Actions, { options }: Offered): Shortcut[] {
  return group('keys.form', [
    ...options
      .filter(({ key }) => key)
      .map(({ key, label }): Row => [key, t('key.option', { label }), () => actions.option(key)]),
    ['n', t('key.nextQuestion'), () => actions.question(1)],
    ['Shift+n', t('key.previousQuestion'), () => actions.question(-1)],
    ['j', t('key.jump'), actions.jump],
  ]);
}

function leaving(actions: Actions, { corrects }: Offered): Shortcut[] {
  const toOthers: Row[] = [
    ['s', t('room.skip'), actions.skip],
    ['Shift+i', t('room.issue'), actions.issue],
  ];
  return group('keys.case', [
    ['Control+Enter', t('room.submit'), actions.submit],
    ...(corrects ? [] : toOthers),
    ['Escape', t('key.cancel'), actions.cancel],
  ]);
}

export function shortcutsOf(actions: Actions, offered: Offered): Shortcut[] {
  return [
    ...image(actions, offered),
    ...tools(actions, offered),
    ...marking(actions, offered),
    ...answering(actions, offered),
    ...leaving(actions, offered),
  ];
}
