/** The actions that the case at hand offers, each with the reader's keys. */

import { type Actions, ACTIONS, type Offered } from '../../keys/actions';
import type { Keys } from '../../keys/profiles';
import type { Shortcut } from '../../state/shortcuts.svelte';
import { t } from '../../strings';
import { PAINTING_TOOLS, type Tool } from '../../viewer/state';
import { DRAWN_KINDS, type MarkKind } from '../../viewer/types';

/** The tools that a schema gives a reader, in the order of the toolbar. */
export function toolsFor(marks: readonly MarkKind[]): Tool[] {
  const drawn = DRAWN_KINDS.filter((kind) => marks.includes(kind)).flatMap((kind): Tool[] =>
    kind === 'contour' ? ['contour', 'polygon'] : [kind],
  );
  return ['window', 'pan', 'zoom', ...drawn, ...(marks.includes('labelmap') ? PAINTING_TOOLS : [])];
}

/** Answers are the schema's own: a key that one of them has does nothing else here. */
export function shortcutsOf(room: Actions, offered: Offered, keys: Keys): Shortcut[] {
  const answers = offered.options
    .filter(({ key }) => key)
    .map(({ key, label }): Shortcut => ({
      keys: [key],
      label: t('key.option', { label }),
      group: 'case',
      run: () => room.option(key),
    }));
  const taken = new Set(answers.flatMap((answer) => answer.keys.map((key) => key.toLowerCase())));
  const live = ACTIONS.filter(({ when }) => when?.(offered) ?? true);
  const actions = live.map(({ id, layer, label, inFields = false, run }): Shortcut => ({
    id,
    keys: (keys[id] ?? []).filter((key) => !taken.has(key)),
    label: label(offered),
    group: layer,
    inFields,
    run: () => run(room),
  }));
  return [...actions, ...answers];
}
