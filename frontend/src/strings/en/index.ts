/** English, in one flat table of keys. A text with `one` and `other` has a plural form, chosen by `n`. */
import { acquisition } from './acquisition';
import { evaluation } from './evaluation';
import { exchange } from './exchange';
import { hanging } from './hanging';
import { imports } from './imports';
import { keyboard } from './keyboard';
import { learning } from './learning';
import { people } from './people';
import { prompts } from './prompts';
import { reading } from './reading';
import { room } from './room';
import { schema } from './schema';
import { segments } from './segments';
import { shell } from './shell';
import { viewing } from './viewing';
import { suggestions } from './suggestions';
import { words } from './words';

export const en = {
  ...acquisition,
  ...shell,
  ...reading,
  ...room,
  ...viewing,
  ...segments,
  ...learning,
  ...imports,
  ...evaluation,
  ...exchange,
  ...people,
  ...prompts,
  ...keyboard,
  ...suggestions,
  ...hanging,
  ...schema,
  ...words,
} as const;
