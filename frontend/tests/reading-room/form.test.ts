import { describe, expect, it } from 'vitest';
import {
  blocks,
  choiceByKey,
  choicesOf,
  chosen,
  countingAnswers,
  faultOf,
  freshContent,
  grouped,
  keyOfChoice,
  proposalOf,
} from '../../src/pages/reading-room/form';
import { Form, type Scene } from '../../src/pages/reading-room/conditions';
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

const NOTHING: Scene = { series: [], painted: new Map() };
const formOf = (asking: LabelSchema, said: Answer[], marks: Mark[] = [], scene = NOTHING) =>
  new Form(asking, given(...said), marks, scene);
const left = (asking: LabelSchema, said: Answer[], marks: Mark[] = [], scene = NOTHING) =>
  blocks(formOf(asking, said, marks, scene), marks).map(({ text, question, place }) => ({
    text,
    question,
    target: place.targets[place.level],
  }));

describe('what blocks the submission', () => {
  it('is each required question that is asked and not answered', () => {
    expect(left(schema(), []).map((block) => block.question)).toEqual(['finding']);
    expect(left(schema(), [says('finding', 'yes')]).map((block) => block.question)).toEqual(['size']);
    expect(left(schema(), [says('finding', 'no')])).toEqual([]);
  });

  it('is a number between the steps, which are counted from the minimum', () => {
    const stepped = { code: 'size', text: 'Size', type: 'number', min: 1, step: 0.1 } as const;
    expect(faultOf(stepped, 1.3)).toBe('');
    expect(faultOf(stepped, 1.35)).toBe('Write a number in steps of 0.1 from 1.');
    expect(faultOf({ ...stepped, min: 0, step: 0.5 }, 100_000.5)).toBe('');
  });

  it('is a number out of range, in words', () => {
    const [block] = left(schema(), [says('finding', 'yes'), says('size', 60)]);
    expect(block?.text).toContain('from 0 to 50 mm');
  });

  it('is an answer that the schema offers no more', () => {
    expect(left(schema(), [says('finding', 'perhaps')])[0]?.text).toContain('among the answers offered');
  });

  it('is a required question whose proposal nobody has confirmed', () => {
    const asking = schema({ questions: [{ ...finding, default: 'no' }] });
    expect(left(asking, [])[0]?.text).toContain('not confirmed');
    expect(left(asking, [says('finding', 'no')])).toEqual([]);
  });

  it('is a mark that must be there', () => {
    const wanted = schema({ questions: [], required_marks: ['box', 'labelmap'] });
    expect(left(wanted, [])).toHaveLength(2);
    expect(left(wanted, [], [box])).toHaveLength(1);
  });

  it('is a question about a mark, for each mark', () => {
    const asking = schema({ questions: [shape] });
    expect(left(asking, [])).toEqual([]);
    expect(left(asking, [], [box])).toEqual([{ text: 'What shape?', question: 'shape', target: '2.25.1' }]);
    expect(left(asking, [says('shape', 'round', '2.25.1')], [box])).toEqual([]);
  });

  it('is a question about images, with where each is left, said in one line', () => {
    const quality: Question = {
      code: 'quality',
      text: 'Good?',
      type: 'text',
      level: 'frame',
      required: true,
    };
    const scene = {
      series: [{ id: 1, uid: '1.5', frames: ['1.1#1', '1.1#2', '1.1#3'] }],
      painted: new Map(),
    };
    const asking = schema({ questions: [quality] });
    const found = blocks(formOf(asking, [says('quality', 'yes', '1.1#1')], [], scene), []);
    expect(found.map(({ place }) => place.targets.frame)).toEqual(['1.1#2', '1.1#3']);
    expect(grouped(found)).toEqual([{ block: found[0], more: 1 }]);
  });

  it('is a broken rule, by its message, at the first question that can mend it', () => {
    const hidden: Question = { ...deep, code: 'hidden', show_if: { question: 'finding', equals: 'no' } };
    const rule = {
      code: 'deep',
      if: { question: 'finding', equals: 'yes' },
      then: {
        any: [
          { question: 'hidden', answered: true },
          { question: 'size', below: 10 },
        ],
      },
      message: 'A finding is small.',
    };
    const asking = schema({ questions: [finding, size, hidden], rules: [rule] });
    expect(left(asking, [says('finding', 'yes'), says('size', 10)])).toEqual([
      { text: 'A finding is small.', question: 'size', target: '' },
    ]);
    expect(left(asking, [says('finding', 'yes'), says('size', 9)])).toEqual([]);
  });
});

describe('the answers that are sent', () => {
  it('leave out questions that are not asked, and marks that are gone', () => {
    const all = [says('finding', 'no'), says('size', 12), says('shape', 'round', '2.25.9')];
    const asking = schema({ questions: [finding, size, shape] });
    expect(countingAnswers(formOf(asking, all, [box]), all)).toEqual([says('finding', 'no')]);
  });

  it('hold what was hidden and is shown again', () => {
    const all = [says('finding', 'yes'), says('size', 12)];
    expect(countingAnswers(formOf(schema(), all), all)).toEqual(all);
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
    [{ code: 'd', text: '', type: 'date' } as Question, '2026-02-30', 'YYYY-MM-DD'],
    [{ code: 't', text: '', type: 'text' } as Question, ' ', 'Write something'],
  ])('are told in words', (question, value, words) => {
    expect(faultOf(question as Question, value)).toContain(words);
  });

  it('are none without an answer', () => {
    expect(faultOf(size, null)).toBe('');
  });
});

describe('a proposal of the schema', () => {
  const asking = { ...finding, default: 'no' };

  it('is no answer until it is confirmed', () => {
    expect(freshContent().answers).toEqual([]);
    expect(proposalOf(asking, null)).toBe('no');
    expect(proposalOf(finding, null)).toBeNull();
  });

  it('gives way to any answer', () => {
    expect(proposalOf(asking, 'yes')).toBeNull();
    expect(proposalOf(asking, 'no')).toBeNull();
  });
});
