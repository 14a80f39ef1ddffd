/** What keys and buttons do at the reader's desk. */

import { mount, unmount } from 'svelte';
import type { Actions } from '../../keys/actions';
import { router } from '../../router.svelte';
import { toasts } from '../../state/toasts.svelte';
import { t } from '../../strings';
import { sourceOf } from '../../viewer/links';
import { whyNoPlanes } from '../../viewer/section';
import type { Desk } from './desk.svelte';
import { choiceByKey, chosen } from './form';
import { freeKeys } from './free-keys';
import SidePanel from './SidePanel.svelte';
import { suggestionActions } from './suggestion-actions';
import { comeToRest, viewActions } from './view-actions';

type Part<Name extends keyof Actions> = Pick<Actions, Name>;

const BRUSH_STEP = 1.25;
const BRUSH_RANGE = [0.25, 100] as const;

/** `list` is the address to go to from here. */
export function deskActions(desk: Desk, list: () => string): Actions {
  const { room } = desk;
  const actions: Actions = {
    ...viewActions(
      () => desk.viewer,
      () => {
        desk.enteringWindow = true;
      },
    ),
    ...suggestionActions(
      room,
      () => desk.view,
      (item) => desk.goTo(item),
      (uid) => desk.viewer?.select(uid),
    ),
    ...paneActions(desk, () => actions),
    ...toolActions(desk),
    ...segmentActions(desk),
    ...historyActions(desk),
    prompt: (change) => desk.prompting.switch(change),
    acceptPreview: () => desk.prompting.accept(),
    ...formActions(desk),
    ...caseActions(desk, list),
  };
  return actions;
}

function paneActions(
  desk: Desk,
  actions: () => Actions,
): Part<
  | 'step'
  | 'toEnd'
  | 'series'
  | 'layout'
  | 'protocol'
  | 'nextPane'
  | 'planes'
  | 'crosshairs'
  | 'link'
  | 'preset'
  | 'secondWindow'
> {
  const { arrangement } = desk;
  return {
    step: (by) => void desk.viewer?.step(by),
    toEnd: (last) => void desk.viewer?.step(last ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER),
    series: (by) => arrangement.step(by),
    layout: () => arrangement.nextLayout(),
    protocol: () => {
      const hung = arrangement.nextProtocol();
      toasts.say(hung ? t('layout.applied', { name: hung.name, why: hung.why }) : t('layout.noOther'));
    },
    nextPane: () => arrangement.nextPane(),
    planes: () => {
      const { viewer, view } = desk;
      const shown = view.series && sourceOf(view.series);
      const why = shown && !arrangement.hasPlanes ? whyNoPlanes(shown) : '';
      if (why) return toasts.fail(`${t('mpr.refused')}. ${why}`);
      if (shown) arrangement.togglePlanes();
      if (!arrangement.crosshairs && view.tool === 'crosshairs') viewer?.setTool('window');
    },
    crosshairs: () => {
      arrangement.crosshairs = !arrangement.crosshairs;
      desk.viewer?.setTool(arrangement.crosshairs ? 'crosshairs' : 'window');
    },
    link: (what) => arrangement.link({ [what]: !arrangement.links[what] }),
    preset: (index) => {
      const preset = desk.presets[index];
      if (preset) desk.viewer?.look.applyPreset(preset);
    },
    secondWindow: () => {
      const { second, room } = desk;
      if (second.opened) return second.close();
      const fill = (target: HTMLElement) => {
        target.addEventListener('click', freeKeys);
        const panel = mount(SidePanel, { target, props: { desk, actions: actions() } });
        return () => void unmount(panel);
      };
      if (!second.open(fill, (other) => room.activity.watch(other))) toasts.fail(t('layout.noWindow'));
    },
  };
}

function toolActions(
  desk: Desk,
): Part<
  'tool' | 'brushSize' | 'toggleBall' | 'chooseClass' | 'landmark' | 'toggleHidden' | 'removeSelected'
> {
  const { room, hands } = desk;
  return {
    tool: (tool) => hands.setTool(tool),
    brushSize: (direction) => {
      const { brush } = desk.view;
      const size = brush.radiusMm * BRUSH_STEP ** direction;
      const radiusMm = Math.min(Math.max(size, BRUSH_RANGE[0]), BRUSH_RANGE[1]);
      desk.viewer?.setPainting({ brush: { ...brush, radiusMm } });
    },
    toggleBall: () => {
      const { brush } = desk.view;
      desk.viewer?.setPainting({ brush: { ...brush, ball: !brush.ball } });
    },
    chooseClass: (index) => {
      const label = room.classes[index];
      if (label) hands.setClass(label.code);
    },
    landmark: (by) => {
      const { landmarks, label } = hands;
      const named = landmarks.names.length ? label : room.classes.find((one) => one.landmarks?.length);
      if (named && named !== label) hands.hold(named.code);
      if (desk.view.tool !== 'landmark') hands.setTool('landmark');
      landmarks.step(by);
    },
    toggleHidden: () => desk.viewer?.setMarksHidden(!desk.view.marksHidden),
    removeSelected: () => {
      if (desk.viewer?.outliner.takeBack()) return;
      room.editing.removeMark(desk.view.selected);
      desk.viewer?.select('');
    },
  };
}

function segmentActions(desk: Desk): Part<'hideOne' | 'copySegment' | 'interpolate' | 'segmentMenu'> {
  const { hands } = desk;
  return {
    hideOne: () => hands.hideOne(),
    copySegment: () => hands.copySegment(),
    interpolate: () => hands.interpolate(),
    segmentMenu: () => {
      desk.menuOpen = hands.segments.target() !== null;
    },
  };
}

function historyActions(desk: Desk): Part<'undo' | 'redo' | 'history'> {
  const { room } = desk;
  return {
    // A mark that is half drawn, or the last prompt, is what there is to undo.
    undo: () =>
      desk.viewer?.outliner.takeBack() ||
      desk.viewer?.cancel() ||
      desk.prompting.takeBack() ||
      desk.reveal(room.undo()),
    redo: () => desk.reveal(room.redo()),
    history: () => {
      desk.historyOpen = !desk.historyOpen;
    },
  };
}

function formActions(desk: Desk): Part<'option' | 'question' | 'confirm' | 'jump'> {
  const { room } = desk;
  return {
    option: (key) => {
      const { keyed } = desk;
      const choice = keyed && choiceByKey(keyed.question, key);
      if (!keyed || !choice) return;
      const { question, target } = keyed;
      const before = room.answer(question.code, target);
      room.editing.answer(question, chosen(question, before, choice.value), target);
      const next = question.type === 'multichoice' ? keyed : (desk.following(keyed) ?? keyed);
      desk.focusQuestion(next.question.code);
    },
    question: (by) => {
      const { here } = room.form;
      const at = desk.active ? here.indexOf(desk.active) : -1;
      const next = here[Math.min(Math.max(at + by, 0), here.length - 1)];
      if (next) desk.focusQuestion(next.question.code);
    },
    confirm: () => room.editing.confirm(room.form.proposals),
    jump: () => desk.jump(),
  };
}

function caseActions(
  desk: Desk,
  list: () => string,
): Part<'submit' | 'skip' | 'issue' | 'release' | 'why' | 'similar' | 'moveForm' | 'cancel'> {
  const ask = (what: typeof desk.asked) => () => {
    desk.asked = what;
  };
  return {
    submit: () => void desk.room.submit(),
    skip: ask('skip'),
    issue: ask('issue'),
    release: ask('release'),
    why: ask('why'),
    similar: ask('similar'),
    moveForm: ask('move'),
    cancel: () => {
      const { viewer, view, hands } = desk;
      if (hands.segments.running) return hands.segments.giveUp();
      if (desk.prompting.discard()) return;
      if (viewer?.cancel() || (viewer && comeToRest(viewer))) return;
      if (view.selected) viewer?.select('');
      else if (view.tool !== 'window') viewer?.setTool('window');
      else router.go(list());
    },
  };
}
