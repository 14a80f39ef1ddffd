import { describe, expect, it } from 'vitest';
import { contrastOnBlack, lookalike } from '../../src/pages/schema/colours';
import { comparison, operatorsFor, reshaped, sentenceOf } from '../../src/pages/schema/conditions';
import {
  dependants,
  type Document,
  duplicated,
  moved,
  namesIn,
  newOption,
  newQuestion,
  recodedClass,
  recodedQuestion,
  retyped,
  revaluedOption,
  withClasses,
  withKinds,
  withLandmarkSet,
} from '../../src/pages/schema/document';
import { previewable } from '../../src/pages/schema/previewable';
import { TEMPLATES } from '../../src/pages/schema/templates';

const DOCUMENT: Document = {
  classes: [
    { code: 'lesion', name: 'Lesion', colour: '#e69f00', value: 1, marks: ['box', 'landmark'] },
    { code: 'node', name: 'Node', colour: '#56b4e9', value: 3 },
  ],
  marks: ['box', 'landmark'],
  required_marks: ['landmark'],
  questions: [
    {
      code: 'finding',
      text: 'Finding?',
      type: 'choice',
      default: 'no',
      options: [
        { value: 'no', label: 'No' },
        { value: 'yes', label: 'Yes' },
      ],
    },
    { code: 'long', text: 'Long axis', type: 'number', show_if: { question: 'finding', equals: 'yes' } },
    { code: 'short', text: 'Short axis', type: 'number' },
  ],
  rules: [
    { code: 'axes', then: { question: 'short', at_most: { question: 'long' } }, message: 'Shorter.' },
    {
      code: 'drawn',
      if: { any: [{ question: 'finding', any_of: ['yes'] }, { not: { question: 'long', answered: false } }] },
      then: { some: 'mark', class: 'lesion', where: { question: 'long', above: 1 } },
      message: 'Mark it.',
    },
  ],
};

describe('classes', () => {
  it('name their landmarks one on each line', () => {
    expect(namesIn(' Nasion \n\nSella\n')).toEqual(['Nasion', 'Sella']);
    expect(namesIn(' \n')).toBeUndefined();
  });

  it('are added with a code, a colour and a value of their own, in the order of the lines', () => {
    const { classes = [] } = withClasses(DOCUMENT, ['Pleura', 'Lesion'], ['landmark']);
    expect(classes.slice(2)).toEqual([
      { code: 'pleura', name: 'Pleura', colour: '#2fb68f', value: 2, marks: ['landmark'] },
      { code: 'lesion-2', name: 'Lesion', colour: '#f0e442', value: 4, marks: ['landmark'] },
    ]);
  });

  it('of a set of landmarks are one, whose points have names in their order', () => {
    const next = withLandmarkSet({ classes: DOCUMENT.classes ?? [], marks: ['box'] }, 'Spine', ['L1', 'L2']);
    expect(next.marks).toEqual(['box', 'landmark']);
    expect(next.classes).toHaveLength(3);
    expect(next.classes?.[2]).toMatchObject({
      code: 'spine',
      name: 'Spine',
      marks: ['landmark'],
      landmarks: ['L1', 'L2'],
    });
  });

  it('take their conditions along under another code', () => {
    const next = recodedClass(DOCUMENT, 0, 'mass');
    expect(next.rules?.[1]?.then.class).toBe('mass');
    expect(DOCUMENT.rules?.[1]?.then.class).toBe('lesion');
  });

  it('take along the questions that are asked of them alone', () => {
    const margin = {
      code: 'm',
      text: 'M',
      type: 'text',
      level: 'mark',
      classes: ['lesion', 'node'],
    } as const;
    const asked = { ...DOCUMENT, questions: [{ ...margin, classes: [...margin.classes] }] };
    expect(recodedClass(asked, 0, 'mass').questions?.[0]?.classes).toEqual(['mass', 'node']);
  });

  it('keep only kinds that the project has', () => {
    const next = withKinds(DOCUMENT, ['box', 'labelmap']);
    expect(next.required_marks).toEqual([]);
    expect(next.classes?.map(({ marks }) => marks)).toEqual([['box'], undefined]);
  });

  it('are doubled next to themselves, under a code and a value that are free', () => {
    const { classes = [] } = duplicated(DOCUMENT, 'classes', 0);
    expect(classes.map(({ code, value }) => [code, value])).toEqual([
      ['lesion', 1],
      ['lesion-2', 2],
      ['node', 3],
    ]);
  });

  it('are warned about where they cannot be seen or told apart', () => {
    expect(contrastOnBlack('#ffffff')).toBeCloseTo(21);
    expect(contrastOnBlack('#101010')).toBeLessThan(1.2);
    const near = [...(DOCUMENT.classes ?? []), { code: 'x', name: 'X', colour: '#e8a008', value: 9 }];
    expect(lookalike(near, 2)?.code).toBe('lesion');
    expect(lookalike(near, 1)).toBeUndefined();
  });
});

describe('questions', () => {
  it('take conditions and comparisons along under another code', () => {
    const next = recodedQuestion(DOCUMENT, 1, 'axis');
    expect(next.rules?.[0]?.then).toEqual({ question: 'short', at_most: { question: 'axis' } });
    expect(next.rules?.[1]?.if?.any?.[1]).toEqual({ not: { question: 'axis', answered: false } });
    expect(next.rules?.[1]?.then.where).toEqual({ question: 'axis', above: 1 });
    expect(next.questions?.[1]?.show_if).toEqual({ question: 'finding', equals: 'yes' });
  });

  it('take proposals and conditions along when an option is stored otherwise', () => {
    const proposed = revaluedOption(DOCUMENT, 0, 0, 'absent');
    expect(proposed.questions?.[0]?.default).toBe('absent');
    const next = revaluedOption(DOCUMENT, 0, 1, 'present');
    expect(next.questions?.[1]?.show_if).toEqual({ question: 'finding', equals: 'present' });
    expect(next.rules?.[1]?.if?.any?.[0]).toEqual({ question: 'finding', any_of: ['present'] });
  });

  it('lose as another type what that type does not have', () => {
    const number = { ...retyped(newQuestion({}, 'Size'), 'number'), min: 1, unit: 'mm', step: 0.5 };
    expect(number).toEqual({ code: 'size', text: 'Size', type: 'number', min: 1, unit: 'mm', step: 0.5 });
    expect(retyped(number, 'scale')).toEqual({ code: 'size', text: 'Size', type: 'scale', min: 1, max: 5 });
    expect(retyped(number, 'text')).toEqual({ code: 'size', text: 'Size', type: 'text' });
  });

  it('get options that count on where numbers are stored, and codes elsewhere', () => {
    const scale = { code: 's', text: 'S', type: 'scale', options: [{ value: 4, label: 'A' }] } as const;
    expect(newOption({ ...scale, options: [...scale.options] }, 'B')).toEqual({ value: 5, label: 'B' });
    expect(newOption(newQuestion({}, 'Q'), 'Yes')).toEqual({ value: 'yes-2', label: 'Yes' });
  });

  it('say what depends on them', () => {
    expect(dependants(DOCUMENT, 'finding')).toEqual(['Long axis', 'drawn']);
    expect(dependants(DOCUMENT, 'short')).toEqual(['axes']);
  });

  it('move to another place, and nowhere out of the list', () => {
    expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
    expect(moved(['a', 'b', 'c'], 0, 3)).toEqual(['a', 'b', 'c']);
  });
});

describe('conditions', () => {
  const [finding, long] = DOCUMENT.questions ?? [];

  it('offer the comparisons that the question knows', () => {
    expect(operatorsFor(finding)).toEqual(['equals', 'not_equals', 'any_of', 'answered']);
    expect(operatorsFor(long)).not.toContain('any_of');
    expect(comparison(finding, 'any_of')).toEqual({ question: 'finding', any_of: ['no'] });
  });

  it('keep what was said when they take another shape', () => {
    const one = { question: 'finding', equals: 'yes' };
    const all = reshaped(one, 'all', DOCUMENT, 'case');
    expect(all).toEqual({ all: [one] });
    expect(reshaped(all, 'not', DOCUMENT, 'case')).toEqual({ not: one });
    expect(reshaped(all, 'question', DOCUMENT, 'case')).toEqual(one);
  });

  it('are said in a sentence', () => {
    const said = DOCUMENT.rules?.[1]?.then ?? {};
    expect(sentenceOf(said, DOCUMENT)).toBe('there is at least one: Lesion mark: “Long axis” is above “1”');
    expect(
      sentenceOf(
        {
          all: [
            { question: 'finding', equals: 'yes' },
            { question: 'long', answered: true },
          ],
        },
        DOCUMENT,
      ),
    ).toBe('“Finding?” is “Yes” and “Long axis” is answered');
  });
});

describe('a preview', () => {
  it('is not made of what has no end or stands twice', () => {
    expect(previewable(DOCUMENT)).toBe(true);
    const round = recodedQuestion(DOCUMENT, 0, 'finding');
    round.questions = [
      { code: 'a', text: 'A', type: 'text', show_if: { question: 'b', answered: true } },
      { code: 'b', text: 'B', type: 'text', show_if: { not: { question: 'a', answered: true } } },
    ];
    expect(previewable(round)).toBe(false);
    expect(previewable(withClasses({ classes: [{ code: 'x', name: '', colour: '', value: 1 }] }, []))).toBe(
      true,
    );
    expect(
      previewable({
        questions: [
          { code: 'a', text: '', type: 'text' },
          { code: 'a', text: '', type: 'text' },
        ],
      }),
    ).toBe(false);
  });

  it.each(Object.entries(TEMPLATES))('is made of the template %s', (_, template) => {
    expect(previewable(template as Document)).toBe(true);
  });
});
