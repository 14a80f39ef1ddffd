import { describe, expect, it } from 'vitest';
import {
  blocks,
  choiceByKey,
  choicesOf,
  chosen,
  countingAnswers,
  faultOf,
  freshContent,
  isAsked,
  keyOfChoice,
} from '../../src/pages/reading-room/form';
import type { LabelSchema, Question } from '../../src/pages/reading-room/types';
import type { Answer, Mark } from '../../src/viewer/types';

const finding: Question = {
  code: 'finding',
  text: 'Is there a finding?',
  type: 'choice',
  required: true,
  options: [
    { value: 'no', label: 'No', key: '1' },
    { value: 'yes', label: 'Yes', key: '2' },
  ],
};
const size: Question = {
  code: 'size',
  text: 'How large?',
  type: 'number',
  min: 0,
  max: 50,
  unit: 'mm',
  required: true,
  show_if: { question: 'finding', equals: 'yes' },
};
const deep: Question = {
  code: 'deep',
  text: 'Deep?',
  type: 'text',
  show_if: { question: 'size', equals: 7 },
};
const shape: Question = {
  code: 'shape',
  text: 'What shape?',
  type: 'choice',
  level: 'mark',
  required: true,
  options: [{ value: 'round', label: 'Round' }],
};
const schema = (said: Partial<LabelSchema> = {}): LabelSchema => ({
  questions: [finding, size, deep],
  ...said,
});

function given(...answers: Answer[]) {
  return {
    answer: (question: string, target = '') =>
      answers.find((one) => one.question === question && one.target === target)?.value ?? null,
  };
}
const says = (question: string, value: Answer['value'], target = ''): Answer => ({ question, target, value });
const box = { tracking_uid: '2.25.1', kind: 'box' } as Mark;

describe('which questions are asked', () => {
  it('depends on the answers before, over several steps', () => {
    expect(isAsked(schema(), size, given())).toBe(false);
    expect(isAsked(schema(), size, given(says('finding', 'yes')))).toBe(true);
    expect(isAsked(schema(), deep, given(says('finding', 'yes'), says('size', 7)))).toBe(true);
    // The answer in between is still there, but is itself not asked any more.
    expect(isAsked(schema(), deep, given(says('finding', 'no'), says('size', 7)))).toBe(false);
  });

  it('looks into a multiple choice', () => {
    const several: Question = { code: 'signs', text: '', type: 'multichoice' };
    const after: Question = {
      code: 'x',
      text: '',
      type: 'text',
      show_if: { question: 'signs', equals: 'a' },
    };
    const both = { questions: [several, after] };
    expect(isAsked(both, after, given(says('signs', ['b', 'a'])))).toBe(true);
    expect(isAsked(both, after, given(says('signs', ['b'])))).toBe(false);
  });
});

describe('what blocks the submission', () => {
  it('is each required question that is asked and not answered', () => {
    expect(blocks(schema(), given(), []).map((block) => block.question)).toEqual(['finding']);
    expect(blocks(schema(), given(says('finding', 'yes')), []).map((block) => block.question)).toEqual([
      'size',
    ]);
    expect(blocks(schema(), given(says('finding', 'no')), [])).toEqual([]);
  });

  it('is a number out of range, in words', () => {
    const [block] = blocks(schema(), given(says('finding', 'yes'), says('size', 60)), []);
    expect(block?.text).toContain('from 0 to 50 mm');
  });

  it('is a mark that must be there', () => {
    const wanted = schema({ questions: [], required_marks: ['box', 'labelmap'] });
    expect(blocks(wanted, given(), [])).toHaveLength(2);
    expect(blocks(wanted, given(), [box])).toHaveLength(1);
  });

  it('is a question about a mark, for each mark', () => {
    const asking = schema({ questions: [shape] });
    expect(blocks(asking, given(), [])).toEqual([]);
    expect(blocks(asking, given(), [box])).toEqual([
      { text: 'What shape?', question: 'shape', target: '2.25.1' },
    ]);
    expect(blocks(asking, given(says('shape', 'round', '2.25.1')), [box])).toEqual([]);
  });
});

describe('the answers that are sent', () => {
  it('leave out questions that are not asked, and marks that are gone', () => {
    const all = [says('finding', 'no'), says('size', 12), says('shape', 'round', '2.25.9')];
    const asking = schema({ questions: [finding, size, shape] });
    expect(countingAnswers(asking, all, given(...all), [box])).toEqual([says('finding', 'no')]);
  });
});

describe('options', () => {
  it('are chosen by their own keys', () => {
    expect(choiceByKey(finding, '2')?.value).toBe('yes');
    expect(choiceByKey(finding, '3')).toBeNull();
  });

  it('are chosen by their place where none has a key', () => {
    const plain: Question = {
      ...finding,
      options: [
        { value: 'a', label: 'A' },
        { value: 'b', label: 'B' },
      ],
    };
    expect(choiceByKey(plain, '2')?.value).toBe('b');
    expect(choicesOf(plain).map((choice) => keyOfChoice(plain, choice))).toEqual(['1', '2']);
  });

  it('replace each other, or are switched on and off where several may be chosen', () => {
    expect(chosen(finding, 'no', 'yes')).toBe('yes');
    const several: Question = { ...finding, type: 'multichoice' };
    expect(chosen(several, null, 'yes')).toEqual(['yes']);
    expect(chosen(several, ['yes'], 'no')).toEqual(['yes', 'no']);
    expect(chosen(several, ['yes', 'no'], 'yes')).toEqual(['no']);
  });

  it('are counted from least to most on a scale without options', () => {
    const scale: Question = { code: 's', text: '', type: 'scale', min: 2, max: 4 };
    expect(choicesOf(scale).map(({ value }) => value)).toEqual([2, 3, 4]);
  });
});

describe('faults', () => {
  it.each([
    [{ ...size, max: undefined }, -1, 'at least 0'],
    [{ ...size, min: undefined }, 51, 'at most 50'],
    [{ code: 'd', text: '', type: 'date' } as Question, '1.2.2026', 'YYYY-MM-DD'],
  ])('are told in words', (question, value, words) => {
    expect(faultOf(question as Question, value)).toContain(words);
  });

  it('are none without an answer', () => {
    expect(faultOf(size, null)).toBe('');
  });
});

it('a fresh reading starts with the defaults of the schema', () => {
  expect(freshContent(schema({ questions: [{ ...finding, default: 'no' }, size] }))).toEqual({
    answers: [says('finding', 'no')],
    marks: [],
  });
});
