/** A nested document as groups of lines: a name and a value in plain characters. */
export interface Group {
  name: string;
  lines: [string, string][];
}

const words = (name: string) => name.replaceAll('_', ' ');
const isBranch = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function plain(value: unknown): string {
  if (value === null) return '–';
  if (Array.isArray(value)) return value.map(plain).join(', ');
  return isBranch(value) ? JSON.stringify(value) : String(value);
}

/** One group for each part that is a document of its own, and one without a name for the rest. */
export function grouped(document: Record<string, unknown>): Group[] {
  const lines = (part: Record<string, unknown>) =>
    Object.entries(part).map(([name, value]): [string, string] => [words(name), plain(value)]);
  const parts = Object.entries(document);
  const rest = lines(Object.fromEntries(parts.filter(([, value]) => !isBranch(value))));
  const named = parts.flatMap(([name, value]) =>
    isBranch(value) ? [{ name: words(name), lines: lines(value) }] : [],
  );
  return rest.length ? [{ name: '', lines: rest }, ...named] : named;
}
