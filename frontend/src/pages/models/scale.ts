/** A common scale for the intervals of one column, so that they can be compared by eye. */
import type { Metric, Model } from '../../api/types';

export interface Scale {
  low: number;
  high: number;
}

/** The metric that the list shows: on the hold-out, the project's own if it was measured. */
export function headline(model: Pick<Model, 'metrics'>, wanted: string): Metric | undefined {
  const onHoldout = model.metrics.filter(
    ({ stream, subgroup, grouping }) => stream === 'holdout' && !subgroup && !grouping,
  );
  return onHoldout.find(({ metric }) => metric === wanted) ?? onHoldout[0];
}

export function scaleOf(metrics: readonly (Metric | undefined)[]): Scale | null {
  const ends = metrics.flatMap((metric) =>
    metric?.value == null ? [] : [metric.low ?? metric.value, metric.high ?? metric.value],
  );
  if (ends.length === 0) return null;
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const margin = (high - low || 0.1) * 0.06;
  return { low: low - margin, high: high + margin };
}

/** Where a value lies on the scale, 0 to 1. */
export const place = (value: number, { low, high }: Scale): number => (value - low) / (high - low);
