/** A nested document as groups of lines: a name and a value in plain characters. */
export interface Group {
  name: string;
  lines: [string, string][];
}

const words = (name: string) => name.replaceAll('_', ' ');
const isBranch = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function plain(value: unknown): string {
  if (value === null || value === '') return '–';
  if (Array.isArray(value)) return value.map(plain).join(', ') || '–';
  return isBranch(value) ? JSON.stringify(value) : String(value);
}

/** What lies deeper has its whole way as its name. */
function linesOf(part: Record<string, unknown>, within = ''): [string, string][] {
  return Object.entries(part).flatMap(([name, value]): [string, string][] => {
    const said = [within, words(name)].filter(Boolean).join(' · ');
    return isBranch(value) ? linesOf(value, said) : [[said, plain(value)]];
  });
}

/** One group for each part that is a document of its own and not empty, and one without a name for the rest. */
export function grouped(document: Record<string, unknown>): Group[] {
  const parts = Object.entries(document);
  const rest = linesOf(Object.fromEntries(parts.filter(([, value]) => !isBranch(value))));
  const named = parts.flatMap(([name, value]) =>
    isBranch(value) ? [{ name: words(name), lines: linesOf(value) }] : [],
  );
  return [{ name: '', lines: rest }, ...named].filter(({ lines }) => lines.length > 0);
}
