/** Models and trainings: what they are called and the order in which they are told. */
import type { Arm } from '../api/types';
import { t, word } from '../strings';

interface Named {
  arm: Arm;
  network: string;
}

const ARMS: readonly Arm[] = ['all', 'active', 'control'];
const rank = ({ arm, network }: Named) => ARMS.indexOf(arm) * 2 + (network === 'ensemble' ? 0 : 1);

/** By arm; within an arm the ensemble first, then its networks by name. */
export function inOrder<T extends Named>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => rank(a) - rank(b) || a.network.localeCompare(b.network));
}

/** "Ensemble, round 3"; the arm is named where it is not the whole of the labels. */
export function modelName({ arm, network, round }: Named & { round: number }): string {
  const what = word('network', network);
  const named = arm === 'all' ? what : `${what} (${word('arm', arm).toLowerCase()})`;
  return t('models.name', { network: named, round: String(round) });
}
