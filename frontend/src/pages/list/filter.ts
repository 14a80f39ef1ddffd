/** What narrows the reading list: it stands in the address, and under a name on the server. */
import type { CaseFilter } from '../../api/queries';
import { word } from '../../strings';

export const FIELDS = ['state', 'modality', 'body_part', 'due', 'flag', 'search'] as const;
export const DUE = ['overdue', 'week'] as const;
export const FLAGS = ['draft', 'issue'] as const;

export const NONE: CaseFilter = { state: '', modality: '', body_part: '', due: '', flag: '', search: '' };

/** The address calls the stage by its name. */
const parameter = (field: (typeof FIELDS)[number]): string => (field === 'state' ? 'stage' : field);

export function fromAddress(query: (name: string) => string, stages: readonly string[]): CaseFilter {
  const read = FIELDS.map((field) => [field, query(parameter(field))]);
  const filter = { ...NONE, ...Object.fromEntries(read) } as CaseFilter;
  const known = <T extends string>(value: T, names: readonly string[]) =>
    (names.includes(value) ? value : '') as T;
  return {
    ...filter,
    state: known(filter.state, stages),
    due: known(filter.due, DUE),
    flag: known(filter.flag, FLAGS),
  };
}

export const toAddress = (filter: CaseFilter): Record<string, string> =>
  Object.fromEntries(FIELDS.map((field) => [parameter(field), filter[field]]));

export const isOn = (filter: CaseFilter): boolean => FIELDS.some((field) => filter[field]);

export const isSame = (one: CaseFilter, other: CaseFilter): boolean =>
  FIELDS.every((field) => one[field] === other[field]);

/** Without the parts that narrow nothing, as it is kept. */
export const toKeep = (filter: CaseFilter): Partial<CaseFilter> =>
  Object.fromEntries(FIELDS.filter((field) => filter[field]).map((field) => [field, filter[field]]));

/** A name to begin with. */
export function named({ state, modality, body_part: part, due, flag, search }: CaseFilter): string {
  return [
    modality,
    part.toLowerCase(),
    state && word('stage', state),
    due && word('due', due),
    flag && word('flag', flag),
    search && `“${search}”`,
  ]
    .filter(Boolean)
    .join(' · ');
}
