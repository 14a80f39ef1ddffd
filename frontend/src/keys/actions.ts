/** Every action of the reading room: what it is called, in which layer, its key, and what it does. The one list. */
import { type Key, t } from '../strings';
import type { Links } from '../viewer/links';
import type { Aids, Tool } from '../viewer/state';
import type { LabelClass, MarkKind } from '../viewer/types';
import type { Preset } from '../viewer/windows';

/** What the keys can do with the image alone. */
export interface ViewActions {
  zoom(factor: number): void;
  fit(): void;
  reset(): void;
  invert(): void;
  flip(axis: 'horizontal' | 'vertical'): void;
  rotate(quarters: 1 | -1): void;
  aid(aid: keyof Aids): void;
  play(): void;
  faster(by: 1 | -1): void;
  asRecorded(): void;
  bounce(): void;
  enterWindow(): void;
}

/** What of the prompts to come is switched to the other, or to the next. */
export type PromptChange = 'sign' | 'drag' | 'extent' | 'method';

/** What the keys can do; the reading room fills it in. */
export interface Actions extends ViewActions {
  step(by: number): void;
  toEnd(last: boolean): void;
  series(by: number): void;
  layout(): void;
  protocol(): void;
  nextPane(): void;
  planes(): void;
  crosshairs(): void;
  link(what: keyof Links): void;
  /** The panel at the side goes to a window of its own, and back. */
  secondWindow(): void;
  preset(index: number): void;
  tool(tool: Tool): void;
  brushSize(direction: 1 | -1): void;
  toggleBall(): void;
  chooseClass(index: number): void;
  landmark(by: 1 | -1): void;
  toggleHidden(): void;
  /** The mark that is selected, or else the segment of the armed class. */
  hideOne(): void;
  copySegment(): void;
  interpolate(): void;
  segmentMenu(): void;
  history(): void;
  removeSelected(): void;
  cancel(): void;
  undo(): void;
  redo(): void;
  option(key: string): void;
  question(by: 1 | -1): void;
  jump(): void;
  /** The schema's proposals among the questions at hand become answers. */
  confirm(): void;
  submit(): void;
  skip(): void;
  issue(): void;
  release(): void;
  why(): void;
  /** Cases whose images look like this one's. */
  similar(): void;
  /** To a newer version of the form. */
  moveForm(): void;
  accept(): void;
  acceptAll(): void;
  reject(): void;
  toggleSuggestions(): void;
  fadeSuggestions(direction: 1 | -1): void;
  prompt(change: PromptChange): void;
  acceptPreview(): void;
}

/** What the case at hand has for the actions to work on. */
export interface Offered {
  presets: readonly Preset[];
  /** Of the series that is open. */
  frames: number;
  classes: readonly LabelClass[];
  marks: readonly MarkKind[];
  /** What the active question can be answered with, and the key of each ('' for none). */
  options: readonly { key: string; label: string }[];
  /** A reading that is corrected is the reader's own: it cannot be left to another. */
  corrects: boolean;
  /** The ranking says why it chose the case; never to a reader who is blind to the model. */
  explained: boolean;
  /** The model's suggestions are there for the reader to see. */
  suggests: boolean;
  /** A newer version of the form may be moved to. */
  newerForm: boolean;
  /** Segments can be prompted. */
  prompts: boolean;
  /** A mask that prompts brought waits to be accepted. */
  previews: boolean;
}

export const LAYERS = ['view', 'mark', 'prompt', 'case'] as const;
export type Layer = (typeof LAYERS)[number];

export interface Action {
  id: string;
  layer: Layer;
  label: (offered?: Offered) => string;
  /** Without changes and in the profile "default". */
  keys: readonly string[];
  run: (room: Actions) => void;
  /** With Control held down, it works within a text field too. */
  inFields?: boolean;
  /** Whether the case at hand has a use for it; without one, always. */
  when?: (offered: Offered) => boolean;
}

const ZOOM_STEP = 1.2;
const PAGE = 10;
const NUMBERED = [1, 2, 3, 4, 5, 6, 7, 8, 9];

type When = Action['when'];
const marks: When = (offered) => offered.marks.length > 0;
const paints = (offered: Offered): boolean => offered.marks.includes('labelmap');
const names: When = (offered) => offered.classes.some(({ landmarks }) => landmarks?.length);
const moves: When = (offered) => offered.frames > 1;
const grey: When = (offered) => offered.presets.length > 0;
const mayPass: When = (offered) => !offered.corrects;
const explained: When = (offered) => offered.explained;
const newerForm: When = (offered) => offered.newerForm;
const suggests: When = (offered) => offered.suggests;
const prompts: When = (offered) => offered.prompts && paints(offered);
const previews: When = (offered) => offered.previews;

function row(id: string, layer: Layer, keys: string, label: Key, run: Action['run'], when?: When): Action {
  return { id, layer, keys: keys.split(' '), label: () => t(label), run, ...(when && { when }) };
}

const tool = (name: Tool, layer: Layer, keys: string, when?: When): Action =>
  row(`tool.${name}`, layer, keys, `tool.${name}`, (room) => room.tool(name), when);
const drawing = (kind: MarkKind & Tool, keys: string): Action =>
  tool(kind, 'mark', keys, (offered) => offered.marks.includes(kind));

/** The presets of a series and the classes of a schema, by number: named once a case is at hand. */
function numbered(
  family: 'preset' | 'class',
  layer: Layer,
  modifier: string,
  run: (room: Actions, index: number) => void,
): Action[] {
  const named = (offered: Offered | undefined, index: number) =>
    (family === 'preset' ? offered?.presets : offered?.classes)?.[index];
  return NUMBERED.map((number, index) => ({
    id: `${family}.${number}`,
    layer,
    keys: [`${modifier}+Digit${number}`],
    label: (offered) => t(`key.${family}`, { name: named(offered, index)?.name ?? number }),
    run: (room) => run(room, index),
    when: (offered) => !!named(offered, index),
  }));
}

export const ACTIONS: readonly Action[] = [
  row('image.previous', 'view', 'ArrowUp', 'key.previous', (room) => room.step(-1)),
  row('image.next', 'view', 'ArrowDown', 'key.next', (room) => room.step(1)),
  row('image.tenBack', 'view', 'Shift+ArrowUp', 'key.tenBack', (room) => room.step(-PAGE)),
  row('image.tenOn', 'view', 'Shift+ArrowDown', 'key.tenOn', (room) => room.step(PAGE)),
  row('image.first', 'view', 'Home', 'key.first', (room) => room.toEnd(false)),
  row('image.last', 'view', 'End', 'key.last', (room) => room.toEnd(true)),
  row('series.previous', 'view', 'PageUp', 'key.previousSeries', (room) => room.series(-1)),
  row('series.next', 'view', 'PageDown', 'key.nextSeries', (room) => room.series(1)),
  row('layout.next', 'view', 'q', 'key.layout', (room) => room.layout()),
  row('layout.protocol', 'view', 'Shift+q', 'key.protocol', (room) => room.protocol()),
  row('layout.nextPane', 'view', ';', 'key.nextPane', (room) => room.nextPane()),
  row('layout.planes', 'view', 'Shift+v', 'key.planes', (room) => room.planes()),
  row('layout.crosshairs', 'view', 'Alt+x', 'key.crosshairs', (room) => room.crosshairs()),
  row('link.scroll', 'view', 'Alt+a', 'layout.linkScroll', (room) => room.link('scroll')),
  row('link.window', 'view', 'Alt+t', 'layout.linkWindow', (room) => room.link('window')),
  row('link.view', 'view', 'Alt+v', 'layout.linkView', (room) => room.link('view')),
  row('layout.window', 'view', 'Alt+.', 'layout.window', (room) => room.secondWindow()),
  tool('window', 'view', 'w'),
  tool('pan', 'view', 'p'),
  tool('zoom', 'view', 'z'),
  row('view.zoomIn', 'view', '+', 'key.zoomIn', (room) => room.zoom(ZOOM_STEP)),
  row('view.zoomOut', 'view', '-', 'key.zoomOut', (room) => room.zoom(1 / ZOOM_STEP)),
  row('view.fit', 'view', 'f', 'tool.fit', (room) => room.fit()),
  row('view.reset', 'view', 'Space', 'tool.reset', (room) => room.reset()),
  row('view.invert', 'view', 'i', 'tool.invert', (room) => room.invert()),
  ...numbered('preset', 'view', 'Alt', (room, index) => room.preset(index)),
  row('window.enter', 'view', 'Alt+w', 'key.enterWindow', (room) => room.enterWindow(), grey),
  row('view.flipHorizontal', 'view', 'Shift+f', 'tool.flipHorizontal', (room) => room.flip('horizontal')),
  row('view.flipVertical', 'view', 'v', 'tool.flipVertical', (room) => room.flip('vertical')),
  row('view.rotateRight', 'view', 'Shift+r', 'tool.rotateRight', (room) => room.rotate(1)),
  row('view.rotateLeft', 'view', 'Alt+r', 'tool.rotateLeft', (room) => room.rotate(-1)),
  row('view.magnifier', 'view', 'g', 'tool.magnifier', (room) => room.aid('magnifier')),
  row('view.probe', 'view', 'Shift+p', 'tool.probe', (room) => room.aid('probe')),
  row('view.overlay', 'view', 'Shift+w', 'tool.overlay', (room) => room.aid('overlay')),
  row('cine.play', 'view', 'k', 'cine.play', (room) => room.play(), moves),
  row('cine.slower', 'view', ',', 'cine.slower', (room) => room.faster(-1), moves),
  row('cine.faster', 'view', '.', 'cine.faster', (room) => room.faster(1), moves),
  row('cine.recorded', 'view', 'Alt+k', 'cine.asRecorded', (room) => room.asRecorded(), moves),
  row('cine.bounce', 'view', 'Shift+k', 'cine.bounce', (room) => room.bounce(), moves),

  drawing('box', 'r'),
  drawing('ellipse', 'o'),
  drawing('contour', 'c'),
  drawing('length', 'l'),
  drawing('circle', 'Shift+o'),
  tool('polygon', 'mark', 'Alt+c', (offered) => offered.marks.includes('contour')),
  drawing('polyline', 'Shift+c'),
  drawing('bidirectional', 'Shift+l'),
  drawing('angle', 'a'),
  drawing('cobb_angle', 'Shift+a'),
  drawing('landmark', 'm'),
  row('landmark.next', 'mark', '}', 'landmarks.following', (room) => room.landmark(1), names),
  row('landmark.previous', 'mark', '{', 'landmarks.previous', (room) => room.landmark(-1), names),
  drawing('arrow', 't'),
  tool('brush', 'mark', 'b', paints),
  tool('eraser', 'mark', 'e', paints),
  tool('threshold', 'mark', 'Shift+b', paints),
  tool('scissors', 'mark', 'Shift+e', paints),
  row('brush.smaller', 'mark', '[', 'tool.smaller', (room) => room.brushSize(-1), paints),
  row('brush.larger', 'mark', ']', 'tool.larger', (room) => room.brushSize(1), paints),
  row('brush.ball', 'mark', 'd', 'tool.ball', (room) => room.toggleBall(), paints),
  row('segment.menu', 'mark', 'Shift+m', 'segment.menu', (room) => room.segmentMenu(), paints),
  row('segment.copy', 'mark', 'Shift+d', 'segment.copyNext', (room) => room.copySegment(), paints),
  row('segment.interpolate', 'mark', 'Alt+i', 'segment.interpolate', (room) => room.interpolate(), paints),
  ...numbered('class', 'mark', 'Shift', (room, index) => room.chooseClass(index)),
  row('marks.hide', 'mark', 'h', 'tool.hide', (room) => room.toggleHidden(), marks),
  row('marks.hideOne', 'mark', 'Shift+h', 'key.hideOne', (room) => room.hideOne(), marks),
  row('marks.remove', 'mark', 'Delete Backspace', 'key.remove', (room) => room.removeSelected(), marks),
  row('edit.undo', 'mark', 'Control+z', 'tool.undo', (room) => room.undo()),
  row('edit.redo', 'mark', 'Control+y Control+Shift+z', 'tool.redo', (room) => room.redo()),
  row('edit.history', 'mark', 'Shift+z', 'history.title', (room) => room.history()),

  row('suggestion.accept', 'mark', 'y', 'key.accept', (room) => room.accept(), suggests),
  row('suggestion.acceptAll', 'mark', 'Shift+y', 'key.acceptAll', (room) => room.acceptAll(), suggests),
  row('suggestion.reject', 'mark', 'u', 'key.reject', (room) => room.reject(), suggests),
  row(
    'suggestion.toggle',
    'mark',
    'Shift+u',
    'key.toggleSuggestions',
    (room) => room.toggleSuggestions(),
    suggests,
  ),
  row('suggestion.fainter', 'mark', 'Alt+[', 'key.fainter', (room) => room.fadeSuggestions(-1), suggests),
  row('suggestion.stronger', 'mark', 'Alt+]', 'key.stronger', (room) => room.fadeSuggestions(1), suggests),

  tool('prompt', 'prompt', 'Alt+p', prompts),
  row('prompt.sign', 'prompt', 'Shift+t', 'key.promptSign', (room) => room.prompt('sign'), prompts),
  row('prompt.drag', 'prompt', 'Alt+u', 'key.promptDrag', (room) => room.prompt('drag'), prompts),
  row('prompt.extent', 'prompt', 'Alt+g', 'key.promptExtent', (room) => room.prompt('extent'), prompts),
  row('prompt.method', 'prompt', 'Alt+,', 'key.promptMethod', (room) => room.prompt('method'), prompts),
  row('prompt.accept', 'prompt', 'Enter', 'key.promptAccept', (room) => room.acceptPreview(), previews),

  row('form.next', 'case', 'n', 'key.nextQuestion', (room) => room.question(1)),
  row('form.previous', 'case', 'Shift+n', 'key.previousQuestion', (room) => room.question(-1)),
  row('form.jump', 'case', 'j', 'key.jump', (room) => room.jump()),
  row('form.confirm', 'case', 'Shift+j', 'key.confirm', (room) => room.confirm()),
  { ...row('case.submit', 'case', 'Control+Enter', 'room.submit', (room) => room.submit()), inFields: true },
  row('case.skip', 'case', 's', 'room.skip', (room) => room.skip(), mayPass),
  row('case.issue', 'case', 'Shift+i', 'room.issue', (room) => room.issue(), mayPass),
  row('case.release', 'case', 'Shift+s', 'room.release', (room) => room.release(), mayPass),
  row('case.similar', 'case', 'Alt+-', 'room.similar', (room) => room.similar()),
  row('case.why', 'case', 'Alt+y', 'room.why', (room) => room.why(), explained),
  row('case.move', 'case', 'Alt+o', 'key.moveForm', (room) => room.moveForm(), newerForm),
  row('case.cancel', 'case', 'Escape', 'key.cancel', (room) => room.cancel()),
];

const BY_ID = new Map(ACTIONS.map((action) => [action.id, action]));
export const actionOf = (id: string): Action | undefined => BY_ID.get(id);
