/**
 * What is written over an image, corner by corner: what a reader expects there, from the curated description alone,
 * which holds no name, number, date or place (see annotation/dicom/naming.py).
 */

import { type Key, t } from '../strings';
import { decimal, plain } from '../strings/format';
import { hasGeometry, planeOf, cross } from './plane';
import type { ViewerState } from './state';
import { isUpright } from './turn';
import type { FidelityReason, FrameDescription, SeriesDisplay, Technique } from './types';

export interface Beside {
  /** Upper left: what it is, which image of how many, where it lies and how thick it is. */
  what: string[];
  /** Lower left: how it was taken. */
  how: string[];
  /** Lower right: how it is looked at. */
  look: string[];
}

const whole = (value: number): string => String(Math.round(value));

export function besideOf(state: ViewerState): Beside {
  const { series, index } = state;
  if (!series) return { what: [], how: [], look: [] };
  const frame = { ...series, ...(series.frames[index] as FrameDescription) };
  const technique = frame.technique ?? {};
  return {
    what: [
      series.description,
      series.frame_count > 1
        ? t('viewer.ofAll', { number: String(state.wanted + 1), all: String(series.frame_count) })
        : '',
      whereabouts(series, index, series.section ? {} : technique),
    ].filter(Boolean),
    how: [taken(technique), relaxed(technique)].filter(Boolean),
    look: lookOf(state),
  };
}

function whereabouts(series: SeriesDisplay, index: number, { thickness_mm: thick }: Technique): string {
  const location = locationOf(series, index);
  return [
    location === null ? '' : t('beside.location', { mm: decimal(location, 1) }),
    thick ? t('beside.thickness', { mm: plain(thick) }) : '',
  ]
    .filter(Boolean)
    .join('  ');
}

/** Millimetres along the normal of the images, growing towards left, back and head; null where nobody knows. */
export function locationOf(series: SeriesDisplay, index: number): number | null {
  if (!hasGeometry(series) || series.frame_count < 2) return null;
  const { position, across, down } = planeOf(series, index);
  const normal = cross(across, down);
  const strongest = normal.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  const along = position[0] * normal[0] + position[1] * normal[1] + position[2] * normal[2];
  return strongest < 0 ? -along : along;
}

const PARTS: readonly [name: keyof Technique, key: Key][] = [
  ['kvp', 'beside.kvp'],
  ['tube_current_ma', 'beside.current'],
  ['exposure_mas', 'beside.exposure'],
];

function taken(technique: Technique): string {
  const side = technique.laterality;
  return [
    technique.view ?? '',
    side ? t(`side.${side}`) : '',
    ...PARTS.map(([name, key]) => {
      const value = technique[name];
      return typeof value === 'number' ? t(key, { value: plain(value) }) : '';
    }),
    technique.kernel ?? '',
  ]
    .filter(Boolean)
    .join('  ');
}

const RELAXATION: readonly [name: keyof Technique, key: Key][] = [
  ['field_tesla', 'beside.field'],
  ['repetition_ms', 'beside.repetition'],
  ['echo_ms', 'beside.echo'],
  ['inversion_ms', 'beside.inversion'],
  ['flip_degrees', 'beside.flip'],
];

function relaxed(technique: Technique): string {
  return RELAXATION.map(([name, key]) => {
    const value = technique[name];
    return typeof value === 'number' ? t(key, { value: plain(value) }) : '';
  })
    .filter(Boolean)
    .join('  ');
}

function lookOf({ window, inverted, zoom, turn, series }: ViewerState): string[] {
  const { mirrored, rotation } = turn;
  const turned = [
    mirrored ? t('beside.mirrored') : '',
    rotation ? t('beside.rotated', { degrees: rotation }) : '',
    inverted ? t('viewer.inverted') : '',
  ];
  const narrow = window && window.width < 10;
  const digits = narrow ? 2 : 0;
  const shown = window && {
    width: plain(window.width, digits),
    center: plain(window.center, digits),
  };
  const percent = whole(zoom * 100);
  return [
    isUpright(turn) && !inverted ? '' : turned.filter(Boolean).join(' · '),
    shown ? [t('viewer.window', shown), window.name].filter(Boolean).join('  ') : '',
    t(zoom < 0.995 && series ? 'beside.reduced' : 'viewer.zoom', { percent }),
  ].filter(Boolean);
}

const SOURCES: Readonly<Record<string, Key>> = {
  calibrated: 'spacing.calibrated',
  estimated: 'spacing.estimated',
  detector: 'spacing.detector',
  ultrasound_region: 'spacing.ultrasound',
  nominal: 'spacing.nominal',
};

/** What the millimetres of a series rest on, where that is not the usual thing; '' where it is. */
export function spacingNote({ pixel_spacing: known, spacing_source: source }: SeriesDisplay): string {
  if (!known) return '';
  const key = SOURCES[source];
  return key ? t(key) : '';
}

/** What the badge says; '' if the pixels are the measured ones, and all of them. */
export function badgeOf({ fidelity }: SeriesDisplay): { title: string; warns: boolean } | null {
  const reasons: readonly FidelityReason[] = fidelity.reasons ?? [];
  const has = (reason: FidelityReason): boolean => reasons.includes(reason);
  if (!fidelity.exact) return { title: t('fidelity.reduced'), warns: true };
  if (has('lossy')) return { title: t('fidelity.lossy'), warns: true };
  if (has('rounded')) return { title: t('fidelity.rounded'), warns: true };
  if (has('perhaps_lossy')) return { title: t('fidelity.perhapsLossy'), warns: true };
  if (has('overlays') || has('curve')) return { title: t('fidelity.incomplete'), warns: true };
  if (has('converted')) return { title: t('fidelity.converted'), warns: false };
  if (has('decoded')) return { title: t('fidelity.decoded'), warns: false };
  return fidelity.note ? { title: t('fidelity.note'), warns: false } : null;
}
