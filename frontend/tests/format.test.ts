import { describe, expect, it } from 'vitest';
import { t, word } from '../src/strings';
import { en } from '../src/strings/en';
import { ago, bytes, duration, interval, metric } from '../src/strings/format';

const now = Date.parse('2026-11-23T12:00:00Z');

describe('times', () => {
  it('are told as a person would', () => {
    expect(ago('2026-11-23T11:59:40Z', now)).toBe('just now');
    expect(ago('2026-11-23T11:55:00Z', now)).toBe('5 minutes ago');
    expect(ago('2026-11-22T11:00:00Z', now)).toBe('yesterday');
    expect(ago('2026-11-25T13:00:00Z', now)).toBe('in 2 days');
  });

  it('as durations keep two parts at most', () => {
    expect(duration(35)).toBe('35 s');
    expect(duration(250)).toBe('4 min');
    expect(duration(7500)).toBe('2 h 05 min');
    expect(duration(-3)).toBe('0 s');
  });
});

describe('numbers', () => {
  it('of bytes change unit at a thousand', () => {
    expect(bytes(999)).toBe('999 B');
    expect(bytes(1000)).toBe('1.0 kB');
    expect(bytes(62_900_000)).toBe('62.9 MB');
    expect(bytes(123_456_789)).toBe('123 MB');
  });

  it('that are missing are a dash, never a zero', () => {
    expect(metric(null)).toBe('–');
    expect(metric(0)).toBe('0.000');
    expect(interval(null, 0.9)).toBe('');
    expect(interval(0.81, 0.9, 2)).toBe('0.81–0.90');
  });
});

describe('texts', () => {
  it('take their values, and the plural form of n', () => {
    expect(t('projects.cases', { n: 1 })).toBe('1 case');
    expect(t('projects.cases', { n: 1200 })).toBe('1,200 cases');
    expect(t('overview.streamRead', { read: 3, cases: 5 })).toBe('3 of 5 read');
  });

  it('leave a value that they were not given visible, rather than blank', () => {
    expect(t('rounds.number')).toBe('Round {number}');
  });

  it('show a code that they do not know as words', () => {
    expect(word('metric', 'auroc')).toBe('AUROC');
    expect(word('metric', 'some_new_metric')).toBe('some new metric');
  });

  it('use the same placeholders in both plural forms', () => {
    const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    for (const [key, text] of Object.entries(en)) {
      if (typeof text !== 'string') expect(names(text.one), key).toEqual(names(text.other));
    }
  });
});
