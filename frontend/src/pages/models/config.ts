/** A nested document as lines of a path and a value. */
export function flatten(value: unknown, path = ''): [string, string][] {
  const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isBranch) return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) => {
    const words = name.replaceAll('_', ' ');
    return flatten(inner, path ? `${path} › ${words}` : words);
  });
}
