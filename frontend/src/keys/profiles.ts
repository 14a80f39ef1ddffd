/** From a profile and the reader's own changes to the key of every action; and which key may be given to what. */
import type { Keyboard } from '../api/types';
import { t } from '../strings';
import { ACTIONS, actionOf } from './actions';
import { nameOf } from './notation';

export type Profile = Keyboard['profile'];
/** The keys of actions, by the action's id. */
export type Keys = Readonly<Record<string, readonly string[]>>;
export type Changes = Readonly<Partial<Record<Profile, Keys>>>;
export const PROFILES: readonly Profile[] = ['default', 'ohif', 'slicer', 'left_handed'];

/** Where a profile differs from the default. Digits stay with the form in each. */
const DIFFERENCES: Record<Profile, Keys> = {
  default: {},
  ohif: {
    'view.fit': ['='],
    'view.flipHorizontal': ['h'],
    'view.flipVertical': ['v'],
    'view.rotateRight': ['r'],
    'view.rotateLeft': ['l'],
    'cine.play': ['c'],
    'cine.slower': ['<'],
    'cine.faster': ['>'],
    'tool.box': ['b'],
    'tool.contour': ['Shift+c'],
    'tool.polyline': ['Shift+f'],
    'tool.length': ['m'],
    'tool.landmark': ['Shift+m'],
    'tool.brush': ['Shift+b'],
    'tool.eraser': ['Shift+e'],
    'tool.threshold': ['Alt+b'],
    'tool.scissors': ['Alt+s'],
    'segment.menu': ['Alt+m'],
    'marks.hide': ['Shift+h'],
    'marks.hideOne': ['Alt+h'],
    'form.next': ['.'],
    'form.previous': [','],
  },
  // The Segment Editor's undo and redo; F and B go through the slices, G hides, R fits.
  slicer: {
    'image.previous': ['ArrowLeft', 'b', 'ArrowUp'],
    'image.next': ['ArrowRight', 'f', 'ArrowDown'],
    'view.fit': ['r'],
    'view.rotateRight': ['x'],
    'view.rotateLeft': ['Shift+x'],
    'view.magnifier': ['Shift+g'],
    'view.probe': ['Alt+p'],
    'cine.play': ['c'],
    'cine.bounce': ['Alt+b'],
    'tool.pan': ['Shift+p'],
    'tool.zoom': ['Shift+z'],
    'tool.box': ['Shift+r'],
    'tool.contour': ['d'],
    'tool.brush': ['p'],
    'brush.ball': ['Shift+d'],
    'segment.copy': ['Alt+n'],
    'marks.hide': ['g'],
    'edit.history': ['Alt+z'],
    'edit.undo': ['z', 'Control+z'],
    'edit.redo': ['y', 'Control+y'],
    'suggestion.accept': ['='],
    'suggestion.acceptAll': ['Alt+='],
    'tool.prompt': ['Alt+;'],
  },
  // The mouse is in the left hand: everything lies under the right one.
  left_handed: {
    'layout.nextPane': ['\\'],
    'tool.window': ['u'],
    'tool.zoom': ['o'],
    'view.fit': ['Shift+o'],
    'view.magnifier': ['Shift+u'],
    'cine.play': ['='],
    'cine.slower': ['<'],
    'cine.faster': ['>'],
    'cine.bounce': [':'],
    'cine.recorded': ['Alt+p'],
    'tool.box': ['k'],
    'tool.ellipse': ['m'],
    'tool.circle': ['Shift+m'],
    'tool.landmark': ['.'],
    'tool.arrow': [','],
    'tool.contour': ['l'],
    'tool.length': ['j'],
    'tool.brush': ['h'],
    'tool.eraser': ['y'],
    'tool.threshold': ['Alt+h'],
    'tool.scissors': ['Alt+y'],
    'tool.polygon': ['Alt+l'],
    'brush.ball': ['Shift+y'],
    'segment.menu': ['Alt+m'],
    'segment.copy': ['Alt+n'],
    'marks.hide': ['Shift+h'],
    'marks.hideOne': ['Alt+k'],
    'edit.history': ['Alt+o'],
    'edit.undo': ['Shift+Backspace', 'Control+z'],
    'edit.redo': ['Shift+Delete', 'Control+y'],
    'suggestion.accept': ['/'],
    'suggestion.acceptAll': ['Alt+/'],
    'suggestion.reject': ["'"],
    'suggestion.toggle': ['"'],
    'tool.prompt': ['Alt+;'],
    'case.why': ['Alt+q'],
    'case.move': ['Alt+-'],
    'case.similar': ['Alt+s'],
    'form.jump': ['Shift+j'],
    'form.confirm': ['Alt+j'],
    'case.skip': ['Shift+k'],
  },
};

/** The keys of `over` go first: a key of `under` that they took is gone from there. */
function overlay(under: Keys, over: Keys): Keys {
  const known = Object.entries(over).filter(([id]) => actionOf(id));
  const taken = new Set(known.flatMap(([, keys]) => keys));
  const left = Object.entries(under).map(([id, keys]) => [id, keys.filter((key) => !taken.has(key))]);
  return Object.fromEntries([...left, ...known]);
}

const DEFAULT: Keys = Object.fromEntries(ACTIONS.map(({ id, keys }) => [id, keys]));
export const keysOfProfile = (profile: Profile): Keys => overlay(DEFAULT, DIFFERENCES[profile]);
export const keysFor = (profile: Profile, own: Keys = {}): Keys => overlay(keysOfProfile(profile), own);

const BROWSER =
  /^Control\+(Shift\+)?[acflnopqrstvwx]$|^Control\+([-+=0]|Digit0)$|^F\d+$|^Alt\+(Arrow|Home|F4)/;
const OPERATING = ['Tab', 'Shift+Tab', 'Enter', 'Shift+Enter', 'Escape', 'ContextMenu'];

/** Why no action may have that key; '' if one may. `fixed` names what cannot move, by its key. */
export function refusal(key: string, fixed: Readonly<Record<string, string>>): string {
  const name = nameOf(key);
  const label = fixed[key];
  if (label) return t('keyboard.fixed', { key: name, label });
  if (key === '?' || key === 'Control+k') return t('keyboard.ours', { key: name });
  if (/^\d$/.test(key)) return t('keyboard.digit', { key: name });
  if (OPERATING.includes(key)) return t('keyboard.operates', { key: name });
  if (BROWSER.test(key)) return t('keyboard.browser', { key: name });
  return '';
}

/** The action that has the key now, if it is another one. */
export function holderOf(keys: Keys, key: string, id: string): string | null {
  const found = Object.entries(keys).find(([other, its]) => other !== id && its.includes(key));
  return found?.[0] ?? null;
}

/** The action gets that key alone. Who had it keeps its other keys, or else takes those that became free. */
export function give(keys: Keys, own: Keys, id: string, key: string): Keys {
  const holder = holderOf(keys, key, id);
  if (!holder) return { ...own, [id]: [key] };
  const left = (keys[holder] ?? []).filter((one) => one !== key);
  return { ...own, [id]: [key], [holder]: left.length ? left : (keys[id] ?? []) };
}

/** Back to the profile's keys, and with it whatever stands in the way of that. */
export function reset(profile: Profile, own: Keys, id: string): Keys {
  const wanted = keysOfProfile(profile)[id] ?? [];
  const rest = Object.fromEntries(Object.entries(own).filter(([other]) => other !== id));
  const inTheWay = Object.keys(rest).find((other) => rest[other]?.some((key) => wanted.includes(key)));
  return inTheWay ? reset(profile, rest, inTheWay) : rest;
}
