/** The API as its OpenAPI document describes it: paths, parameters and answers are checked by the compiler. */
import createClient from 'openapi-fetch';
import { send } from './http';
import type { paths } from './schema';

export const api = createClient<paths>({ fetch: send, credentials: 'same-origin' });

/** The body of an answer; whatever is not one has been thrown as an ApiError before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

export interface Page<T> {
  next?: string | null;
  results: T[];
}

/** The cursor in the address that a page of results names as its next. */
export function cursorOf(page: { next?: string | null }): string | undefined {
  return page.next
    ? (new URL(page.next, 'http://localhost').searchParams.get('cursor') ?? undefined)
    : undefined;
}
