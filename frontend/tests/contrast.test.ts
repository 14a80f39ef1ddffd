import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../src/ui/theme.css', import.meta.url), 'utf8');

function colour(name: string): [number, number, number] {
  const found = new RegExp(`--${name}:\\s*#([0-9a-f]{6})`).exec(css)?.[1];
  if (!found) throw new Error(`--${name} is not a plain colour`);
  return [0, 2, 4].map((at) => Number.parseInt(found.slice(at, at + 2), 16) / 255) as [
    number,
    number,
    number,
  ];
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(name: string): number {
  const [r, g, b] = colour(name).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

const grounds = ['bg', 'surface', 'raised', 'hover', 'pressed'];

describe('the colours', () => {
  for (const text of ['text', 'muted', 'faint', 'accent', 'danger', 'warning', 'good']) {
    for (const ground of grounds) {
      it(`keep ${text} readable on ${ground}`, () => {
        expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
      });
    }
  }

  it('keep the label of the main button readable', () => {
    expect(contrast('on-accent', 'accent')).toBeGreaterThanOrEqual(4.5);
    expect(contrast('on-accent', 'accent-strong')).toBeGreaterThanOrEqual(4.5);
  });

  for (const ground of ['bg', 'surface', 'raised']) {
    it(`let the frame of a field and the focus ring stand out on ${ground}`, () => {
      expect(contrast('control', ground)).toBeGreaterThanOrEqual(3);
      expect(contrast('accent', ground)).toBeGreaterThanOrEqual(3);
    });
  }
});
