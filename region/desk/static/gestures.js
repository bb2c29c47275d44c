// Wheel, pinch, drag and keys over a picture become the part of it that is to be shown.

import { WHOLE, moved, zoomed } from "./crop.js";

const STEP = 1.25; // one press of a button or key
const WHEEL = 0.0015; // of the factor's logarithm, for a wheel's pixel
const NUDGE = 0.15; // of what is shown, for an arrow
const KEYS = {
  "+": (crop) => zoomed(crop, STEP),
  "=": (crop) => zoomed(crop, STEP),
  "-": (crop) => zoomed(crop, 1 / STEP),
  0: () => WHOLE,
  ArrowLeft: (crop) => moved(crop, -NUDGE, 0),
  ArrowRight: (crop) => moved(crop, NUDGE, 0),
  ArrowUp: (crop) => moved(crop, 0, -NUDGE),
  ArrowDown: (crop) => moved(crop, 0, NUDGE),
};

export class Gestures {
  // `picture` is shown whole and in the middle of `element`. `crop()` is what it shows, null: nothing to look at;
  // `shape()` its [width, height]; `onCrop(crop)` hears what it should show.
  constructor(element, { crop, shape, onCrop }) {
    Object.assign(this, { element, crop, shape, onCrop });
    this.pointers = new Map();
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => this.up(event));
    element.addEventListener("keydown", (event) => this.key(event));
  }

  step(closer) {
    const crop = this.crop();
    if (crop) this.onCrop(zoomed(crop, closer ? STEP : 1 / STEP));
  }

  wheel(event) {
    const crop = this.crop();
    if (!crop || (crop.size === 1 && event.deltaY > 0)) return; // nothing to do here: let the page scroll
    event.preventDefault();
    const { x, y } = this.place(event);
    this.onCrop(zoomed(crop, Math.exp(-event.deltaY * WHEEL), x, y));
  }

  down(event) {
    if (!this.crop() || event.button > 0 || event.target.closest("button")) return;
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    const crop = this.crop();
    if (!before || !crop) return;
    const now = this.place(event);
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 1) {
      this.onCrop(moved(crop, before.x - now.x, before.y - now.y));
      return;
    }
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const factor = this.apart(now, other) / Math.max(1, this.apart(before, other));
    this.onCrop(zoomed(crop, factor, (now.x + other.x) / 2, (now.y + other.y) / 2));
  }

  up(event) {
    this.pointers.delete(event.pointerId);
  }

  key(event) {
    const crop = this.crop();
    if (!crop || event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    this.onCrop(act(crop));
  }

  // Where on the picture, as shares of it.
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.frame();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  apart(one, other) {
    const { width, height } = this.frame();
    return Math.hypot((one.x - other.x) * width, (one.y - other.y) * height);
  }

  // Where the picture itself is: it keeps its shape within the element.
  frame() {
    const box = this.element.getBoundingClientRect();
    const [wide, tall] = this.shape();
    const scale = Math.min(box.width / (wide || 1), box.height / (tall || 1));
    const [width, height] = [Math.max(1, wide * scale), Math.max(1, tall * scale)];
    return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
  }
}
