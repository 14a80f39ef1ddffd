import { beforeEach, expect, it, vi } from 'vitest';

const { server } = vi.hoisted(() => ({
  server: { up: true, username: 'ann', stored: { profile: 'default', changes: {} } as unknown, puts: 0 },
}));

vi.mock('../../src/api/queries', () => ({
  me: () => ({}),
  queryClient: { fetchQuery: async () => ({ username: server.username }) },
}));
vi.mock('../../src/api/http', () => {
  class ApiError extends Error {}
  const answer = async (body?: unknown) => {
    if (!server.up) throw new ApiError('no answer');
    if (body) Object.assign(server, { stored: body, puts: server.puts + 1 });
    return server.stored;
  };
  return { ApiError, get: () => answer(), put: (_: string, body: unknown) => answer(body) };
});

const start = async () => {
  vi.resetModules();
  return (await import('../../src/keys/keyboard.svelte')).keyboard;
};

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  Object.assign(server, { up: true, username: 'ann', stored: { profile: 'default', changes: {} }, puts: 0 });
});

it('takes from the server what was chosen elsewhere', async () => {
  server.stored = { profile: 'default', changes: { default: { 'tool.box': ['g'] } } };
  const keyboard = await start();
  expect(keyboard.of('tool.box')).toEqual(['r']);
  await keyboard.sync();
  expect(keyboard.of('tool.box')).toEqual(['g']);
});

it('starts with the last known keys while the server does not answer', async () => {
  server.stored = { profile: 'slicer', changes: {} };
  await (await start()).sync();
  server.up = false;
  const keyboard = await start();
  await keyboard.sync();
  expect(keyboard.profile).toBe('slicer');
});

it('keeps a change that the server did not hear, and sends it later', async () => {
  server.up = false;
  const first = await start();
  first.give('tool.box', 'g');
  await vi.waitFor(() => expect(first.waiting).toBe(true));
  const keyboard = await start();
  expect(keyboard.of('tool.box')).toEqual(['g']);
  server.up = true;
  await keyboard.sync();
  expect(server.stored).toEqual({ profile: 'default', changes: { default: { 'tool.box': ['g'] } } });
  expect(keyboard.waiting).toBe(false);
});

it("does not hand on one person's keys to the next at this browser", async () => {
  const first = await start();
  first.give('tool.box', 'g');
  await vi.waitFor(() => expect(server.puts).toBe(1));
  Object.assign(server, { username: 'bob', stored: { profile: 'ohif', changes: {} } });
  const keyboard = await start();
  await keyboard.sync();
  expect(keyboard.profile).toBe('ohif');
  expect(server.puts).toBe(1);
});

it('keeps the changes of a profile while another one is tried', async () => {
  const keyboard = await start();
  keyboard.give('tool.box', 'g');
  keyboard.choose('left_handed');
  expect(keyboard.of('tool.box')).toEqual(['k']);
  keyboard.choose('default');
  expect(keyboard.of('tool.box')).toEqual(['g']);
  keyboard.resetAll();
  expect(keyboard.of('tool.box')).toEqual(['r']);
});

it('tells buttons their key', async () => {
  const keyboard = await start();
  keyboard.give('tool.box', 'g');
  expect(keyboard.hint('tool.box')).toEqual({ title: 'Box (G)', 'aria-keyshortcuts': 'G' });
});
