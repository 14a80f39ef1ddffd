import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/pages/schema/document';
import { TEMPLATES } from '../../src/pages/schema/templates';
import { Trial } from '../../src/pages/schema/trial.svelte';

const CHEST: Document = TEMPLATES.chest as Document;
const left = (trial: Trial) => trial.form.blocks.map(({ text }) => text);
const asked = (trial: Trial) => trial.form.here.map(({ question }) => question.code);

function say(trial: Trial, code: string, value: string | string[]): void {
  const question = trial.schema.questions?.find((one) => one.code === code);
  if (!question) throw new Error(`no question ${code}`);
  trial.editing.answer(question, value);
}

describe('a form filled in on trial', () => {
  it('shows questions and breaks rules as the reading room does', () => {
    const trial = new Trial(() => CHEST, 'chest');
    expect(asked(trial)).toEqual(['quality']);
    say(trial, 'quality', 'good');
    say(trial, 'abnormal', 'yes');
    say(trial, 'findings', ['nodule']);
    expect(asked(trial)).toEqual(['quality', 'abnormal', 'findings']);
    expect(left(trial)).toEqual(['You saw a nodule or mass: put a box around it.']);
    trial.draw('nodule', 'box');
    expect(left(trial)).toEqual([]);
    trial.erase(trial.everyMark[0]?.tracking_uid ?? '');
    expect(left(trial)).toHaveLength(1);
    trial.clear();
    expect([asked(trial), trial.begun]).toEqual([['quality'], false]);
  });

  it('asks of each mark what is asked of marks', () => {
    const trial = new Trial(() => TEMPLATES.lesions as Document, 'lesions');
    say(trial, 'abnormal', 'yes');
    trial.draw('lesion', 'contour');
    const uid = trial.everyMark[0]?.tracking_uid ?? '';
    expect(trial.form.questionsOfMark(uid).map(({ code }) => code)).toEqual(['malignancy']);
    expect(left(trial)).toEqual(['How likely is it to be malignant?']);
  });

  it('follows the document while it is written', () => {
    let document = $state.raw(CHEST);
    const trial = new Trial(() => document, 'chest');
    document = { questions: [{ code: 'new', text: 'New?', type: 'text', required: true }] };
    expect(asked(trial)).toEqual(['new']);
    expect(left(trial)).toEqual(['New?']);
  });

  it('asks of a series and an image what is asked of them', () => {
    const level = (code: string, of: 'series' | 'frame') =>
      ({ code, text: code, type: 'text', level: of }) as const;
    const trial = new Trial(() => ({ questions: [level('phase', 'series'), level('sharp', 'frame')] }), 'x');
    expect(asked(trial)).toEqual(['phase', 'sharp']);
  });
});
