import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LabelSchema } from '../../src/pages/reading-room/types';
import type { Answer, Mark } from '../../src/viewer/types';
import { type Given, outcomeOf } from './outcome';

interface Case extends Given {
  name: string;
  schema: LabelSchema;
  answers: Answer[];
  marks?: Mark[];
  outcome: unknown;
}

const table = JSON.parse(
  readFileSync(new URL('../../../tests/data/form_cases.json', import.meta.url), 'utf8'),
) as Case[];

describe('the browser says what the table of cases says', () => {
  it.each(table.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const { asked, missing, broken } = outcomeOf(one);
    expect({ asked, missing, broken }).toEqual(one.outcome);
  });
});
