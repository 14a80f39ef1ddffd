/** Colours as the canvas takes them: red, green, blue and opacity, of 255 each. */

import type { Appearance } from './looks';

export type Colour = [number, number, number, number];

export function rgba(hex: string): Colour {
  const value = Number.parseInt(hex.replace('#', ''), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255, 255];
}

/** With its own opacity. */
export const colourOf = ({ colour, opacity }: Appearance): Colour => {
  const [red, green, blue] = rgba(colour);
  return [red, green, blue, Math.round(255 * opacity)];
};
