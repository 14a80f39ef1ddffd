/** Two masks of one size made into one. */

import type { Mask } from './grid';

export const COMBINATIONS = ['union', 'intersection', 'subtract', 'xor'] as const;
export type Combination = (typeof COMBINATIONS)[number];

const RULES: Record<Combination, (a: number, b: number) => number> = {
  union: (a, b) => a | b,
  intersection: (a, b) => a & b,
  subtract: (a, b) => a & (b ^ 1),
  xor: (a, b) => a ^ b,
};

export function combined(how: Combination, one: Mask, other: Mask): Mask {
  const rule = RULES[how];
  return { ...one, bytes: one.bytes.map((a, i) => rule(a, other.bytes[i] as number)) };
}
