// Stills: a picture of the camera's whole sensor on its way here, and those that are looked at beside the live one.
//
// They are in this page's memory only. The clinician may save one; all are gone with the call.

import { WHOLE } from "./crop.js";
import { Gestures } from "./gestures.js";

const MOST_BYTES = 12_000_000; // as the station has it
const PATIENCE_MS = 130_000; // a little more than the station takes at the most
const FIRST_MS = 20_000; // until a still begins to come
const MOST_STILLS = 4;

export class Incoming {
  // `onStill(blob, {width, height})`, `onFailed(word)`, `onChange()` when there is more of it.
  constructor({ onStill, onFailed, onChange }) {
    Object.assign(this, { onStill, onFailed, onChange });
    this.drop();
  }

  get share() {
    return this.header ? this.got / this.header.bytes : 0;
  }

  // A still has been asked for.
  expect() {
    this.drop();
    this.waiting = true;
    this.timer = setTimeout(() => this.fail("still_timeout"), FIRST_MS);
    this.onChange();
  }

  // A message of the channel: a header, or a piece.
  take(data) {
    if (!this.waiting) return;
    if (typeof data === "string") this.begin(data);
    else if (this.header) this.add(data);
  }

  begin(text) {
    const header = parsed(text);
    if (!header) {
      this.fail("still_failed");
      return;
    }
    Object.assign(this, { header, pieces: [], got: 0 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fail("still_timeout"), PATIENCE_MS);
    this.onChange();
  }

  add(piece) {
    this.pieces.push(piece);
    this.got += piece.byteLength;
    const { header, pieces } = this;
    if (this.got > header.bytes) {
      this.fail("still_failed");
    } else if (this.got === header.bytes) {
      this.drop();
      this.onStill(new Blob(pieces, { type: "image/jpeg" }), header);
    }
    this.onChange();
  }

  fail(word) {
    if (!this.waiting) return;
    this.drop();
    this.onFailed(word);
    this.onChange();
  }

  drop() {
    clearTimeout(this.timer);
    Object.assign(this, { waiting: false, header: null, pieces: [], got: 0 });
  }
}

function parsed(text) {
  let header = null;
  try {
    header = JSON.parse(text);
  } catch {
    return null;
  }
  const whole = (key, most) => Number.isInteger(header?.[key]) && header[key] > 0 && header[key] <= most;
  return whole("bytes", MOST_BYTES) && whole("width", 20_000) && whole("height", 20_000) ? header : null;
}

export class Stills {
  constructor({ root, words, onChange }) {
    Object.assign(this, { root, words, onChange });
    this.list = root.querySelector("#stills");
    this.template = root.querySelector("#still-row");
    this.shown = [];
  }

  get full() {
    return this.shown.length >= MOST_STILLS;
  }

  // Keep what the live picture shows now, to look at beside it.
  freeze(video) {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width || this.full) return;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && this.add(blob, { width, height }, "frozen"), "image/jpeg", 0.95);
  }

  add(blob, size, kind) {
    if (this.full) return;
    const still = new Still(this.template, this.words, blob, size, kind, () => this.discard(still));
    this.shown.push(still);
    this.list.append(still.row);
    this.changed();
  }

  discard(still) {
    still.close();
    this.shown = this.shown.filter((one) => one !== still);
    this.changed();
    this.root.querySelector(".pictures").focus();
  }

  clear() {
    for (const still of this.shown) still.close();
    this.shown = [];
    this.changed();
  }

  changed() {
    this.list.hidden = this.shown.length === 0;
    this.root.dataset.stills = String(this.shown.length);
    this.onChange();
  }
}

class Still {
  constructor(template, words, blob, { width, height }, kind, onDiscard) {
    this.row = template.content.firstElementChild.cloneNode(true);
    this.url = URL.createObjectURL(blob);
    this.crop = WHOLE;
    const at = new Date();
    const time = at.toLocaleTimeString(document.documentElement.lang === "da" ? "da-DK" : "en-GB");
    const name = words(`still_${kind}`, { time });
    const part = (key) => this.row.querySelector(`[data-part="${key}"]`);
    this.row.dataset.kind = kind;
    this.img = Object.assign(part("img"), { src: this.url, alt: name, width, height, draggable: false });
    part("name").textContent = name;
    part("size").textContent = `${width} × ${height}`;
    const frame = part("frame");
    frame.setAttribute("aria-label", words("still_frame", { name }));
    frame.style.aspectRatio = `${width} / ${height}`;
    this.gestures = new Gestures(frame, {
      crop: () => this.crop,
      shape: () => [width, height],
      onCrop: (crop) => this.show(crop),
    });
    const save = part("save");
    save.href = this.url;
    save.download = fileName(kind, at);
    const named = (key, act) => {
      part(key).setAttribute("aria-label", words(`still_${key}`, { name }));
      part(key).onclick = act;
    };
    named("closer", () => this.gestures.step(true));
    named("wider", () => this.gestures.step(false));
    named("discard", onDiscard);
    save.setAttribute("aria-label", words("still_save", { name }));
  }

  show(crop) {
    this.crop = crop;
    const { style } = this.img;
    style.width = style.height = `${100 / crop.size}%`;
    style.left = `${(-100 * (crop.x - crop.size / 2)) / crop.size}%`;
    style.top = `${(-100 * (crop.y - crop.size / 2)) / crop.size}%`;
  }

  close() {
    this.row.remove();
    this.img.removeAttribute("src");
    URL.revokeObjectURL(this.url);
  }
}

// When it was taken, and not of whom: file names travel.
function fileName(kind, at) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${kind}-${day}-${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}.jpg`;
}
