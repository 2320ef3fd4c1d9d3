// The span of time that a trend shows: moved and zoomed by mouse, touch and keys, or following the present.
import { serverNow } from "./base.js";

// Spans that end now, and how they are called.
export const RANGES = { "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000, "90d": 7_776_000_000, "1y": 31_536_000_000 };
export const LABELS = { "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "1y": "1 y" };

const SHORTEST = 60_000; // ms
const LONGEST = 10 * 366 * 86_400_000;

export class Span {
  // `length` [ms] follows the present; `changed` is called with whether a hand still moves it.
  constructor(length, changed) {
    this.length = length;
    this.fixed = null;
    this.begins = 0; // where history does: one that is still short fills the picture
    this.changed = changed;
  }
  get following() {
    return !this.fixed;
  }
  get since() {
    return serverNow() - this.length;
  }
  get from() {
    return this.fixed ? this.fixed[0] : Math.max(this.since, Math.min(this.begins, serverNow() - 300_000));
  }
  get to() {
    return this.fixed ? this.fixed[1] : serverNow();
  }
  follow(length) {
    [this.length, this.fixed] = [length, null];
    this.changed(false);
  }
  show(from, to, moving = false) {
    let length = Math.min(Math.max(to - from, SHORTEST), LONGEST);
    const middle = (from + to) / 2;
    const end = Math.min(middle + length / 2, serverNow());
    this.fixed = [Math.max(0, end - length), end];
    this.changed(moving);
  }
  // By a part of its length; into the past where it is negative.
  pan(share, moving = false) {
    const [from, to] = [this.from, this.to];
    const by = Math.min(share * (to - from), serverNow() - to);
    this.show(from + by, to + by, moving);
  }
  // `factor` above 1 shows more; the time `at` stays where it is.
  zoom(factor, at = (this.from + this.to) / 2, moving = false) {
    const [from, to] = [this.from, this.to];
    const length = Math.min(Math.max((to - from) * factor, SHORTEST), LONGEST);
    const start = at - ((at - from) / (to - from)) * length;
    this.show(start, start + length, moving);
  }
}

// Hands on a plot: a drag moves, two fingers or the wheel zoom. `timeAt` tells the time at a place on the screen.
export function hands(node, span, timeAt, pointed) {
  const down = new Map(); // pointers -> place
  let moved = false;
  node.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("button")) return;
    down.set(event.pointerId, event.clientX);
    moved = false;
    if (event.pointerType === "mouse") node.setPointerCapture(event.pointerId);
  });
  node.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (before === undefined) return event.pointerType === "mouse" && pointed(timeAt(event.clientX));
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    if (!moved && Math.abs(event.clientX - before) < 4) return;
    moved = true;
    if (others.length) {
      const [was, is] = [Math.abs(before - others[0]), Math.abs(event.clientX - others[0])];
      if (was > 8 && is > 8) span.zoom(was / is, timeAt((event.clientX + others[0]) / 2), true);
    } else span.show(...[span.from, span.to].map((time) => time + timeAt(before) - timeAt(event.clientX)), true);
    down.set(event.pointerId, event.clientX);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (event.type === "pointerup" && !moved) pointed(timeAt(event.clientX));
    else if (moved && !down.size) span.changed(false);
  };
  node.addEventListener("pointerup", up);
  node.addEventListener("pointercancel", up);
  node.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !down.size && pointed(null));
  node.addEventListener("dblclick", (event) => event.target.closest("button") || span.zoom(0.5, timeAt(event.clientX)));
  // The wheel scrolls the page until the trend has been clicked or Ctrl is held: who scrolls past changes nothing.
  let resting = 0;
  node.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !node.contains(document.activeElement)) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) span.pan(event.deltaX / node.clientWidth, true);
    else span.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), timeAt(event.clientX), true);
    clearTimeout(resting);
    resting = setTimeout(() => span.changed(false), 150);
  }, { passive: false });
}
