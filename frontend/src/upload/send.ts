/** Sends one file piece by piece. An unanswered piece is sent again; the server says how much it has. */
import { ApiError, get, put } from '../api/http';
import type { ImportItem } from '../api/types';
import { CHUNK_BYTES, nextChunk, waitBefore } from './plan';

export interface Sending {
  item: Pick<ImportItem, 'id' | 'size' | 'received'>;
  file: Blob;
  signal: AbortSignal;
  onReceived: (bytes: number) => void;
  onPaused: (paused: boolean) => void;
  chunkBytes?: number;
  wait?: (ms: number) => Promise<void>;
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const isWorthWaiting = (error: unknown) =>
  error instanceof ApiError && (error.offline || [429, 502, 503, 504].includes(error.status));
const isOutOfStep = (error: unknown) => error instanceof ApiError && error.status === 409;

/** Resolves when the server has the whole file; rejects with its sentence when it will not take it. */
export async function send(sending: Sending): Promise<void> {
  const { item, file, signal, onReceived, onPaused, chunkBytes = CHUNK_BYTES, wait = later } = sending;
  let received = item.received;
  let failures = 0;
  let chunk = nextChunk(received, item.size, chunkBytes);
  while (chunk) {
    try {
      const answer = await put<{ received: number }>(
        `import-items/${item.id}/content`,
        file.slice(chunk.from, chunk.to),
        { query: { offset: chunk.from }, signal },
      );
      received = answer.received;
      failures = 0;
      onPaused(false);
    } catch (error) {
      if (signal.aborted || (!isWorthWaiting(error) && !isOutOfStep(error)) || failures > 40) throw error;
      if (isOutOfStep(error) && failures > 2) throw error;
      onPaused(!isOutOfStep(error));
      await wait(waitBefore(failures));
      failures += 1;
      received = await receivedOf(item.id, received, signal);
    }
    onReceived(received);
    chunk = nextChunk(received, item.size, chunkBytes);
  }
}

/** What the server has of the file; what we believed, if it still does not answer. */
async function receivedOf(id: number, believed: number, signal: AbortSignal): Promise<number> {
  try {
    return (await get<ImportItem>(`import-items/${id}`, { signal })).received;
  } catch (error) {
    if (signal.aborted) throw error;
    return believed;
  }
}
