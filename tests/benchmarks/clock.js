/**
 * The clock of the benchmark, the same in both pages. It starts at the time stamp that the browser gives an event
 * when it arrives, and stops when a read-back of what is drawn shows other pixels than before: looked at after
 * each picture, and in the frame that follows an event.
 */
(() => {
  const LATE_MS = 100;
  const scratch = document.createElement('canvas');
  const pen = scratch.getContext('2d', { willReadFrequently: true });
  const canvas = () => document.querySelector('canvas.cornerstone-canvas');
  const pane = () => document.querySelector('[data-viewport]');
  const viewport = () => window.bare?.viewport ?? pane()?.viewer?.viewport;
  const shownIndex = () => viewport().getCurrentImageIdIndex();
  const loaded = () => (pane() ? Number(pane().dataset.loaded) : (window.bare?.loaded() ?? 0));

  function look(x, y, width, height) {
    scratch.width = width;
    scratch.height = height;
    const drawn = [canvas(), ...document.querySelectorAll('canvas.mask-sheet:not([hidden])')];
    for (const one of drawn) pen.drawImage(one, x, y, width, height, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  }
  const middle = () => look(canvas().width / 2 - 32, canvas().height / 2 - 32, 64, 64);
  const differs = (one, other) => one.some((value, at) => value !== other[at]);
  const isLit = (pixels) => pixels.some((value, at) => at % 4 !== 3 && value > 8);
  const isSeen = () => canvas() && getComputedStyle(canvas()).visibility === 'visible';

  let doing = null;
  let last = null;
  let target = 0;
  let row = 0;
  let spot = 0;
  let pending = [];
  let taken = [];

  const rgba = (strip, x) => strip.slice(4 * x, 4 * x + 4);
  const stop = (done) => {
    const now = performance.now();
    taken.push(...pending.filter(done).map(({ at }) => now - at));
    pending = pending.filter((one) => !done(one));
  };

  const rendered = {
    scroll() {
      const now = middle();
      if (!differs(now, last)) return;
      last = now;
      const index = shownIndex();
      stop((one) => one.target <= index);
    },
    stroke() {
      const now = look(0, row, canvas().width, 1);
      stop(({ x }) => differs(rgba(now, x), rgba(last, x)));
    },
    undo() {
      if (!pending.length) return;
      const now = look(0, row, canvas().width, 1);
      if (differs(rgba(now, spot), rgba(last, spot))) stop(() => true);
    },
  };

  const check = () => rendered[doing]?.();
  const checkSoon = () => requestAnimationFrame(check);
  setInterval(() => pending.length && check(), LATE_MS);
  const listen = (name, run) => addEventListener(name, run, { capture: true, passive: true });
  listen('CORNERSTONE_IMAGE_RENDERED', check);
  listen('wheel', ({ timeStamp }) => {
    if (doing === 'scroll') pending.push({ at: timeStamp, target: (target += 1) });
  });
  const touched = ({ timeStamp, buttons, clientX }) => {
    if (doing !== 'stroke' || !(buttons & 1)) return;
    pending.push({ at: timeStamp, x: Math.round(clientX - canvas().getBoundingClientRect().left) });
    checkSoon();
  };
  listen('mousedown', touched);
  listen('mousemove', touched);
  listen('keydown', ({ timeStamp, key, ctrlKey }) => {
    if (doing !== 'undo' || key !== 'z' || !ctrlKey) return;
    pending.push({ at: timeStamp });
    checkSoon();
  });

  window.clock = {
    /** Milliseconds from the navigation to the first picture that can be seen. */
    first: new Promise((done) => {
      let drawn = false;
      listen('CORNERSTONE_IMAGE_RENDERED', () => (drawn = true));
      const wait = () => {
        if (drawn && isSeen() && isLit(middle())) done(performance.now());
        else requestAnimationFrame(wait);
      };
      wait();
    }),
    /** Milliseconds from the navigation until so many images are in memory. */
    all: (count) =>
      new Promise((done) => {
        const timer = setInterval(() => {
          if (loaded() < count) return;
          clearInterval(timer);
          done(performance.now());
        }, 20);
      }),
    scroll() {
      doing = 'scroll';
      last = middle();
      target = shownIndex();
    },
    /** Through that row of the page. */
    stroke(clientY) {
      doing = 'stroke';
      row = Math.round(clientY - canvas().getBoundingClientRect().top);
      last = look(0, row, canvas().width, 1);
    },
    undo(clientX) {
      doing = 'undo';
      spot = Math.round(clientX - canvas().getBoundingClientRect().left);
      last = look(0, row, canvas().width, 1);
    },
    /** Whether every input so far, and at least one, has changed the picture. */
    isDone: () => taken.length > 0 && pending.length === 0,
    /** What was measured since the last time. */
    take() {
      const found = taken;
      [doing, pending, taken] = [null, [], []];
      return found;
    },
    /** Milliseconds from that key to the first other picture. */
    change(wanted) {
      const before = middle();
      return new Promise((done) => {
        let begun = 0;
        listen('keydown', ({ key, timeStamp }) => {
          if (key === wanted) begun ||= timeStamp;
        });
        const wait = () => {
          const there = begun && isSeen();
          const now = there && middle();
          if (there && isLit(now) && differs(now, before)) done(performance.now() - begun);
          else requestAnimationFrame(wait);
        };
        wait();
      });
    },
  };
})();
