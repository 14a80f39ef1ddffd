/** Which cases have frames in this browser's cache: noted when they are loaded, looked up before it is said. */

const STORED = 'consilium.cached';
const MOST = 200;

/** The address of one frame, by case. It names its version and holder, and is of use for an hour or two. */
type Noted = Record<string, string>;

function read(): Noted {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Noted;
  } catch {
    return {};
  }
}

function write(noted: Noted): void {
  const newest = Object.entries(noted).slice(-MOST);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(Object.fromEntries(newest)));
  } catch {
    // A browser without room for it shows fewer cases as loaded.
  }
}

const without = (caseIds: readonly number[]): Noted =>
  Object.fromEntries(Object.entries(read()).filter(([id]) => !caseIds.includes(Number(id))));

export function noteCached(caseId: number, url: string): void {
  write({ ...without([caseId]), [caseId]: url });
}

async function isCached(url: string): Promise<boolean> {
  try {
    const init = { cache: 'only-if-cached', mode: 'same-origin' } as const;
    const response = await fetch(url, init);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Those of these cases whose frames the browser would not have to fetch. */
export async function cachedAmong(caseIds: readonly number[]): Promise<ReadonlySet<number>> {
  const noted = read();
  const asked = caseIds.filter((id) => noted[id]);
  const found = await Promise.all(asked.map((id) => isCached(noted[id] as string)));
  const gone = asked.filter((_, place) => !found[place]);
  if (gone.length) {
    write(without(gone));
  }
  return new Set(asked.filter((_, place) => found[place]));
}
