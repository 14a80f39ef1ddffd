import type { Round } from '../../api/types';
import { t } from '../../strings';
import { duration, percent } from '../../strings/format';

/** "43 %, about 3 min left". */
export function progressOf({ progress, eta_seconds }: Pick<Round, 'progress' | 'eta_seconds'>): string {
  const left = eta_seconds === null ? '' : t('rounds.left', { time: duration(eta_seconds) });
  return [percent(progress), left].filter(Boolean).join(', ');
}
