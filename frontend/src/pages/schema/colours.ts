/** Whether a class can be seen on a dark image and told from the others. */

import type { ClassOf } from './document';

export const LEAST_CONTRAST = 3;
const ALIKE = 42;
const HEX = /^#[0-9a-f]{6}$/i;

const channels = (colour: string): number[] =>
  HEX.test(colour) ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) : [0, 0, 0];

/** Against the black around an image, as WCAG 2 counts it. */
export function contrastOnBlack(colour: string): number {
  const [r = 0, g = 0, b = 0] = channels(colour)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) / 0.05;
}

/** The "redmean" distance: near to what an eye tells apart, and enough for a warning. */
function distance(one: string, other: string): number {
  const [r1 = 0, g1 = 0, b1 = 0] = channels(one);
  const [r2 = 0, g2 = 0, b2 = 0] = channels(other);
  const mean = (r1 + r2) / 2;
  const [r, g, b] = [r1 - r2, g1 - g2, b1 - b2];
  return Math.sqrt((2 + mean / 256) * r * r + 4 * g * g + (2 + (255 - mean) / 256) * b * b);
}

/** The first other class that is hard to tell from this one by its colour. */
export const lookalike = (classes: readonly ClassOf[], index: number): ClassOf | undefined => {
  const own = classes[index];
  return own && classes.find((one, at) => at !== index && distance(one.colour, own.colour) < ALIKE);
};
