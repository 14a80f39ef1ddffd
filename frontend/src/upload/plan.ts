/** The arithmetic of a resumable upload: what to send next, what belongs together, when to try again. */
import type { ImportItem } from '../api/types';

export const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

export interface Chunk {
  from: number;
  to: number;
}

/** The bytes to send next; null once the server has them all. */
export function nextChunk(received: number, size: number, chunkBytes: number = CHUNK_BYTES): Chunk | null {
  return received < size ? { from: received, to: Math.min(size, received + chunkBytes) } : null;
}

/** How long to wait before the next try: doubling, capped, never in step with other windows. */
export function waitBefore(attempt: number, random: number = Math.random()): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random;
}

export interface NamedFile {
  name: string;
  file: File;
}

/** The path below what was dropped or chosen, as the sender sees it. */
export function nameOf(file: File & { relativePath?: string }): string {
  const path = file.relativePath || file.webkitRelativePath || file.name;
  return path.replace(/^\.?\//, '');
}

export interface Pair {
  item: ImportItem;
  file: File;
}

const identity = (name: string, size: number) => `${size} ${name}`;

/** Files that continue what was interrupted (same name, same size, not all there), and the files that are new. */
export function pair(
  items: readonly ImportItem[],
  files: readonly NamedFile[],
): { resumed: Pair[]; fresh: NamedFile[] } {
  const waiting = new Map<string, ImportItem[]>();
  for (const item of items) {
    if (item.received >= item.size) continue;
    const key = identity(item.name, item.size);
    waiting.set(key, [...(waiting.get(key) ?? []), item]);
  }
  const resumed: Pair[] = [];
  const fresh: NamedFile[] = [];
  for (const named of files) {
    const item = waiting.get(identity(named.name, named.file.size))?.shift();
    if (item) resumed.push({ item, file: named.file });
    else fresh.push(named);
  }
  return { resumed, fresh };
}

/** Seconds left at the average speed so far; null while there is too little to go by. */
export function secondsLeft(sentBytes: number, leftBytes: number, elapsedMs: number): number | null {
  if (elapsedMs < 2000 || sentBytes === 0) return null;
  return (leftBytes / sentBytes) * (elapsedMs / 1000);
}
