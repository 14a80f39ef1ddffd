/** A label schema as a file: what is written, and what is taken of one that somebody made elsewhere. */

import { type Document, TYPES } from './document';

type Shape = { [name: string]: Kind };
type Kind = 'text' | 'number' | 'truth' | 'any' | 'texts' | Shape | [Shape];

const TERM: Shape = { system: 'text', code: 'text', display: 'text' };
const PICTURES: [Shape] = [{ picture: 'text', alt: 'text', caption: 'text' }];
const OPTION: Shape = { value: 'any', label: 'text', key: 'text', description: 'text', term: TERM };
const CLASS: Shape = {
  code: 'text', name: 'text', colour: 'text', value: 'number', marks: 'texts', term: TERM, category: 'text',
}; // prettier-ignore
const QUESTION: Shape = {
  code: 'text', text: 'text', level: 'text', classes: 'texts', type: 'text', required: 'truth', default: 'any', options: [OPTION],
  min: 'number', max: 'number', step: 'number', unit: 'text', show_if: 'any', pictures: PICTURES, guideline: 'text',
  term: TERM,
}; // prettier-ignore
const RULE: Shape = { code: 'text', level: 'text', if: 'any', then: 'any', message: 'text' };
const SCHEMA: Shape = {
  classes: [CLASS], marks: 'texts', required_marks: 'texts', questions: [QUESTION], rules: [RULE],
  guideline: 'text', pictures: PICTURES,
}; // prettier-ignore

export const LARGEST_FILE = 5 * 2 ** 20;

const isObject = (value: unknown): value is Record<string, unknown> =>
  !!value && typeof value === 'object' && !Array.isArray(value);

/** What of the value has the form; the paths of the rest go to `left`. Undefined: nothing of it. */
function taken(value: unknown, kind: Kind, path: string, left: string[]): unknown {
  const out = () => {
    left.push(path);
    return undefined;
  };
  if (kind === 'any') return value;
  if (kind === 'truth') return typeof value === 'boolean' ? value : out();
  if (kind === 'number') return typeof value === 'number' && Number.isFinite(value) ? value : out();
  if (kind === 'text') return typeof value === 'string' ? value : out();
  if (kind === 'texts')
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : out();
  if (Array.isArray(kind)) {
    if (!Array.isArray(value)) return out();
    return value
      .map((one, index) => taken(one, kind[0], `${path}.${index}`, left))
      .filter((one) => one !== undefined);
  }
  if (!isObject(value)) return out();
  return ofShape(value, kind, path, left);
}

function ofShape(value: Record<string, unknown>, shape: Shape, path: string, left: string[]): object {
  const found: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name;
    const kind = shape[name];
    if (!kind) left.push(at);
    else if (inner !== null) {
      const kept = taken(inner, kind, at, left);
      if (kept !== undefined) found[name] = kept;
    }
  }
  return found;
}

/** The fields without which the form has nothing to show. */
function completed(document: Document): Document {
  const whole = { ...document };
  if (whole.classes)
    whole.classes = whole.classes.map((one, at) => ({
      ...one, code: one.code ?? '', name: one.name ?? '', colour: one.colour ?? '#e69f00', value: one.value ?? at + 1,
    })); // prettier-ignore
  if (whole.questions)
    whole.questions = whole.questions.map((one) => ({
      ...one,
      code: one.code ?? '',
      text: one.text ?? '',
      type: TYPES.includes(one.type) ? one.type : 'text',
      ...(one.options
        ? { options: one.options.map((o) => ({ ...o, label: o.label ?? '', value: o.value ?? '' })) }
        : {}),
    }));
  if (whole.rules)
    whole.rules = whole.rules.map((one) => ({
      ...one, code: one.code ?? '', then: isObject(one.then) ? one.then : {}, message: one.message ?? '',
    })); // prettier-ignore
  return whole;
}

export interface Read {
  document: Document;
  /** Paths of what was left out, for it is nothing that a label schema has. */
  left: string[];
}

/** A label schema, or a project document that holds one. Null: it is neither. */
export function readFile(text: string): Read | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const inner = isObject(value.label_schema) ? value.label_schema : value;
  if (!Object.keys(inner).some((name) => name in SCHEMA)) return null;
  const left: string[] = [];
  return { document: completed(ofShape(inner, SCHEMA, '', left) as Document), left };
}

export const written = (document: Document): string => `${JSON.stringify(document, null, 2)}\n`;
