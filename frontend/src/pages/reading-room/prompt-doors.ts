/** What is asked of the server about prompts: which methods there are, and a mask for some prompts. */

import { ApiError, address, get, post, remove, send } from '../../api/http';
import type { components } from '../../api/schema';
import { t } from '../../strings';
import { decompress, sha256 } from '../../viewer/masks';
import type { Prompt } from '../../viewer/prompts';
import type { MaskPart } from '../../viewer/section-part';

export type PromptMethod = components['schemas']['PromptMethod'];
export type PromptedMask = components['schemas']['PromptedMask'];

export interface Question {
  token: number;
  series: number;
  label_class: string;
  method: string;
  volume: boolean;
  prompts: readonly Prompt[];
}

/** A mask of part of a series, 1 for each voxel inside: which answer it is, and by what it was made. */
export interface Answer extends MaskPart {
  id: number;
  algorithm: string;
}

const FIRST_LOOK_MS = 60;
const LONGEST_PAUSE_MS = 500;

export async function methodsOf(slot: number): Promise<PromptMethod[]> {
  return (await get<{ results: PromptMethod[] }>(`slots/${slot}/prompt-methods`)).results;
}

/** Resolves with the mask; rejects with the server's sentence, or an AbortError once it was aborted. */
export async function askForMask(slot: number, question: Question, signal: AbortSignal): Promise<Answer> {
  const prompts = question.prompts.map(told);
  const asked = await post<PromptedMask>(`slots/${slot}/prompts`, { ...question, prompts }, { signal });
  const withdraw = () => void remove(`prompts/${asked.id}`).catch(() => undefined);
  signal.addEventListener('abort', withdraw, { once: true });
  try {
    return await fetched(await answered(asked, signal), signal);
  } finally {
    signal.removeEventListener('abort', withdraw);
  }
}

function told({ kind, positive, ...place }: Prompt) {
  const meant = { kind, positive };
  if (place.frame === null) return { ...meant, points_voxel: place.voxels };
  return { ...meant, frame: place.frame, points_px: place.points };
}

async function answered(asked: PromptedMask, signal: AbortSignal): Promise<PromptedMask> {
  let found = asked;
  for (
    let pause = FIRST_LOOK_MS;
    found.state === 'waiting';
    pause = Math.min(pause * 1.3, LONGEST_PAUSE_MS)
  ) {
    await new Promise((done) => setTimeout(done, pause));
    signal.throwIfAborted();
    found = await get<PromptedMask>(`prompts/${asked.id}`, { signal });
  }
  if (found.state === 'done') return found;
  const detail = found.problem || t('prompt.none');
  throw new ApiError({ code: found.state, status: 422, title: detail, detail });
}

async function fetched(done: PromptedMask, signal: AbortSignal): Promise<Answer> {
  const { id, algorithm } = done;
  const [start, shape] = [done.start, done.shape] as unknown as [Answer['start'], Answer['shape']];
  const url = new URL(address(`prompts/${id}/mask`), location.origin);
  const response = await send(new Request(url, { credentials: 'same-origin', signal }));
  const size = shape[0] * shape[1] * shape[2];
  try {
    const voxels = await decompress(new Uint8Array(await response.arrayBuffer()), size);
    if ((await sha256(voxels)) === done.sha256) return { id, algorithm, start, shape, voxels };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new Error(t('prompt.damaged'));
}
