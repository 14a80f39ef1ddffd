/** The pixels of an outline: those whose centre (at integers) lies inside it, by the even-odd rule. */

export type Vertex = readonly [column: number, row: number];

/** Where the outline crosses the middle of a row, from left to right. */
function crossings(outline: readonly Vertex[], row: number): number[] {
  const found: number[] = [];
  outline.forEach(([column, at], i) => {
    const [before, from] = outline.at(i - 1) as Vertex;
    if (at <= row === from <= row) return;
    found.push(before + ((row - from) / (at - from)) * (column - before));
  });
  return found.sort((a, b) => a - b);
}

/** The rows of pixels inside a closed outline, from top to bottom; the last column belongs to each. */
export function* spansOf(
  outline: readonly Vertex[],
  { rows, columns }: { rows: number; columns: number },
): Generator<readonly [row: number, from: number, to: number]> {
  const heights = outline.map(([, row]) => row);
  const first = Math.max(0, Math.ceil(Math.min(...heights)));
  const last = Math.min(rows - 1, Math.floor(Math.max(...heights)));
  for (let row = first; row <= last; row++) {
    const found = crossings(outline, row);
    for (let i = 0; i + 1 < found.length; i += 2) {
      const from = Math.max(0, Math.ceil(found[i] as number));
      const to = Math.min(columns - 1, Math.ceil(found[i + 1] as number) - 1);
      if (from <= to) yield [row, from, to];
    }
  }
}
