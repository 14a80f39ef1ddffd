import { describe, expect, it } from 'vitest';
import { Activity } from '../../src/pages/reading-room/activity';

function clock() {
  let now = 0;
  return { read: () => now, pass: (seconds: number) => (now += seconds * 1000) };
}

describe('active seconds', () => {
  it('count while the reader does something', () => {
    const time = clock();
    const activity = new Activity(0, time.read);
    for (let i = 0; i < 4; i++) {
      time.pass(20);
      activity.sign();
    }
    expect(activity.seconds).toBe(80);
  });

  it('stop a minute after the last sign of the reader', () => {
    const time = clock();
    const activity = new Activity(0, time.read);
    time.pass(10);
    activity.sign();
    time.pass(3600);
    expect(activity.seconds).toBe(70);
    activity.sign();
    time.pass(5);
    expect(activity.seconds).toBe(75);
  });

  it('go on from the draft, and start afresh with the next case', () => {
    const time = clock();
    const activity = new Activity(100, time.read);
    time.pass(3);
    expect(activity.seconds).toBe(103);
    activity.restart(0);
    time.pass(2);
    expect(activity.seconds).toBe(2);
  });

  it('hear the page', () => {
    const time = clock();
    const activity = new Activity(0, time.read);
    const page = new EventTarget();
    const stop = activity.watch(page);
    time.pass(30);
    page.dispatchEvent(new Event('keydown'));
    time.pass(100);
    expect(activity.seconds).toBe(90);
    stop();
  });
});
