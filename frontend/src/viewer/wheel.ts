/** What a turn of the wheel means: a step through the images, or with Control a zoom. */

const NOTCH_PX = 50;
const SWIPE_PX = 30;
const ZOOM = 1.1;

export class Wheel {
  private swiped = 0;

  /** Images to go on (1) or back (-1); 0 while a swipe is too short. */
  step({ deltaY }: WheelEvent): number {
    // A wheel sends one large step, a touchpad many small ones.
    const notch = Math.abs(deltaY) >= NOTCH_PX;
    this.swiped = notch ? deltaY : this.swiped + deltaY;
    if (!notch && Math.abs(this.swiped) < SWIPE_PX) return 0;
    const step = Math.sign(this.swiped);
    this.swiped = 0;
    return step;
  }

  zoom({ deltaY }: WheelEvent): number {
    return deltaY < 0 ? ZOOM : 1 / ZOOM;
  }
}
