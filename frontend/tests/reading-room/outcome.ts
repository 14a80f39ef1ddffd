/** What the browser makes of a form, in the words of tests/data/form_cases.json. */

import { Form, levelOf, targetOf } from '../../src/pages/reading-room/conditions';
import { countingAnswers, faultOf } from '../../src/pages/reading-room/form';
import type { LabelSchema } from '../../src/pages/reading-room/types';
import type { Answer, Mark } from '../../src/viewer/types';

export interface Given {
  schema: LabelSchema;
  answers: Answer[];
  marks?: Mark[];
  scene?: { series: { id: number; uid: string; frames: string[] }[]; painted?: Record<string, string[]> };
}

type Pair = [code: string, target: string];
const byText = (one: Pair, other: Pair): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);

export function outcomeOf({ schema, answers, marks = [], scene }: Given) {
  const given = {
    answer: (question: string, target = '') =>
      answers.find((one) => one.question === question && one.target === target)?.value ?? null,
  };
  const painted = new Map(Object.entries(scene?.painted ?? {}).map(([uid, codes]) => [uid, new Set(codes)]));
  const form = new Form(schema, given, marks, { series: scene?.series ?? [], painted });
  const everywhere = (schema.questions ?? []).flatMap((question) =>
    form.places[levelOf(question)].map((place) => ({ question, target: targetOf(place) })),
  );
  const asked = everywhere.filter(({ question, target }) => form.isAsked(question, target));
  const pairs = (some: typeof everywhere): Pair[] =>
    some.map(({ question, target }): Pair => [question.code, target]).sort(byText);
  return {
    asked: pairs(asked),
    missing: pairs(
      asked.filter(
        ({ question, target }) => question.required && form.answer(question.code, target) === null,
      ),
    ),
    broken: form
      .broken()
      .map(({ rule, place }): Pair => [rule.code, targetOf(place)])
      .sort(byText),
    faulty: pairs(
      asked.filter(({ question, target }) => faultOf(question, form.answer(question.code, target)) !== ''),
    ),
    counting: countingAnswers(form, answers)
      .map(({ question, target }): Pair => [question, target])
      .sort(byText),
  };
}
