import { describe, expect, it, vi } from 'vitest';
import { ariaOf, keyOf, layoutsOf, nameOf } from '../../src/keys/notation';

const up = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe('the key that was pressed', () => {
  it.each([
    ['a letter', { key: 'b', code: 'KeyB' }, 'b'],
    ['a letter with capitals locked', { key: 'B', code: 'KeyB' }, 'b'],
    ['a letter with Shift', { key: 'B', code: 'KeyB', shiftKey: true }, 'Shift+b'],
    ['a letter of another layout', { key: 'z', code: 'KeyY' }, 'z'],
    ['Command on a Mac', { key: 'z', code: 'KeyZ', metaKey: true, shiftKey: true }, 'Control+Shift+z'],
    ['Option on a Mac', { key: '∫', code: 'KeyB', altKey: true }, 'Alt+b'],
    ['Option on a German Mac', { key: '@', code: 'KeyL', altKey: true }, 'Alt+l'],
    ['Option and a sign on a Mac', { key: '…', code: 'Semicolon', altKey: true }, 'Alt+;'],
    ['Option and what is a dead key on a Mac', { key: 'Dead', code: 'KeyN', altKey: true }, 'Alt+n'],
    ['Alt and an arrow', { key: 'ArrowUp', code: 'ArrowUp', altKey: true }, 'Alt+ArrowUp'],
    ['Alt and a sign of another keyboard', { key: ';', code: 'Comma', altKey: true }, 'Alt+;'],
    ['a digit', { key: '1', code: 'Digit1' }, '1'],
    ['a digit with Shift', { key: '!', code: 'Digit1', shiftKey: true }, 'Shift+Digit1'],
    ['a sign that needs Shift', { key: '+', code: 'Equal', shiftKey: true }, '+'],
    ['the space bar', { key: ' ', code: 'Space' }, 'Space'],
    ['a named key', { key: 'ArrowUp', code: 'ArrowUp', shiftKey: true }, 'Shift+ArrowUp'],
    ['Shift alone', { key: 'Shift', code: 'ShiftLeft', shiftKey: true }, null],
    ['a dead key', { key: 'Dead', code: 'BracketLeft' }, null],
  ])('%s', (_, pressed, wanted) => expect(keyOf({ ...up, ...pressed })).toBe(wanted));
});

it('names keys for the eye and for the screen reader', () => {
  expect(nameOf('Control+Shift+z')).toBe('Ctrl+Shift+Z');
  expect(nameOf('Alt+Digit3')).toBe('Alt+3');
  expect(nameOf('+')).toBe('+');
  expect(ariaOf(['Control+z', 'Shift+Digit1'])).toBe('Control+Z Meta+Z Shift+1');
});

it('binds a sign with and without Shift, and Command with Control', () => {
  expect(layoutsOf('?')).toEqual(['?', 'Shift+?']);
  expect(layoutsOf('Control+k')).toEqual(['Control+k', 'Meta+k']);
  expect(layoutsOf('b')).toEqual(['b']);
  expect(layoutsOf('1')).toEqual(['1', 'Digit1']);
});

it('binds what Option changes on a Mac by its place', async () => {
  vi.resetModules();
  vi.stubGlobal('navigator', { platform: 'MacIntel' });
  const mac = await import('../../src/keys/notation');
  expect(mac.layoutsOf('Alt+p')).toEqual(['Alt+p', 'Alt+KeyP']);
  expect(mac.layoutsOf('Alt+;')).toEqual(['Alt+;', 'Alt+Semicolon']);
  expect(mac.nameOf('Control+z')).toBe('⌘+Z');
  vi.unstubAllGlobals();
});
