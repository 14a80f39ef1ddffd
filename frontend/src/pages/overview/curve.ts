/** The learning curve's points as series of a plot. */
import type { Arm, Curve } from '../../api/types';
import type { PlotSeries } from '../../plot/data';
import { t } from '../../strings';

export type CurveAxis = 'labels' | 'minutes';

const arms: readonly { arm: Arm; look: PlotSeries['look']; label: () => string }[] = [
  { arm: 'active', look: 'accent', label: () => t('overview.active') },
  { arm: 'control', look: 'plain', label: () => t('overview.control') },
];

export function curveSeries(curve: Pick<Curve, 'points'>, axis: CurveAxis): PlotSeries[] {
  return arms.map(({ arm, look, label }) => ({
    label: label(),
    look,
    points: curve.points
      .filter((point) => point.arm === arm && point.value !== null)
      .map(({ labels, reader_minutes, value, low, high }) => ({
        x: axis === 'labels' ? labels : reader_minutes,
        y: value,
        low,
        high,
      })),
  }));
}
