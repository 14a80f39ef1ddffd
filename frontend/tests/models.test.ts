import { describe, expect, it } from 'vitest';
import type { Metric } from '../src/api/types';
import { grouped } from '../src/pages/models/config';
import { headline, place, scaleOf } from '../src/pages/models/scale';
import { inOrder, modelName } from '../src/pages/order';

const metric = (name: string, value: number | null, extra: Partial<Metric> = {}): Metric => ({
  metric: name,
  grouping: '',
  subgroup: '',
  stream: 'holdout',
  value,
  low: value === null ? null : value - 0.1,
  high: value === null ? null : value + 0.1,
  patients: 50,
  note: '',
  ...extra,
});

describe('the metric that stands for a model', () => {
  it('is the project’s own, on the whole hold-out', () => {
    const metrics = [
      metric('brier', 0.2),
      metric('auroc', 0.7, { stream: 'calibration' }),
      metric('auroc', 0.6, { subgroup: 'site a' }),
      metric('auroc', 0.8),
    ];
    expect(headline({ metrics }, 'auroc')?.value).toBe(0.8);
  });

  it('is the first one measured where the project’s own was not', () => {
    expect(headline({ metrics: [metric('brier', 0.2)] }, 'auroc')?.metric).toBe('brier');
    expect(headline({ metrics: [] }, 'auroc')).toBeUndefined();
  });
});

describe('the scale of a column', () => {
  it('holds every interval, with a margin', () => {
    const scale = scaleOf([metric('a', 0.5), undefined, metric('a', 0.7), metric('a', null)]);
    expect(scale?.low).toBeLessThan(0.4);
    expect(scale?.high).toBeGreaterThan(0.8);
    expect(place(0.6, scale ?? { low: 0, high: 1 })).toBeCloseTo(0.5);
  });

  it('is absent where nothing was measured', () => {
    expect(scaleOf([undefined, metric('a', null)])).toBeNull();
  });
});

describe('models', () => {
  it('are told by arm, the ensemble before its networks', () => {
    const list = [
      { arm: 'control', network: 'ensemble' },
      { arm: 'all', network: 'vit' },
      { arm: 'all', network: 'densenet' },
      { arm: 'active', network: 'ensemble' },
      { arm: 'all', network: 'ensemble' },
    ] as const;
    expect(inOrder(list).map(({ arm, network }) => `${arm} ${network}`)).toEqual([
      'all ensemble',
      'all densenet',
      'all vit',
      'active ensemble',
      'control ensemble',
    ]);
  });

  it('name their arm unless they learnt from everything', () => {
    expect(modelName({ arm: 'all', network: 'ensemble', round: 3 })).toBe('Ensemble, round 3');
    expect(modelName({ arm: 'control', network: 'vit', round: 3 })).toBe('ViT (control), round 3');
  });
});

describe('a configuration', () => {
  it('is grouped by its parts, with plain values', () => {
    const recipe = { input_size: [96, 96], window: null, augment: true, stop: { target: 0.9, at: {} } };
    const config = { seed: 20, plan: {}, recipe };
    expect(grouped(config)).toEqual([
      { name: '', lines: [['seed', '20']] },
      {
        name: 'recipe',
        lines: [
          ['input size', '96, 96'],
          ['window', '–'],
          ['augment', 'true'],
          ['stop · target', '0.9'],
        ],
      },
    ]);
  });
});
