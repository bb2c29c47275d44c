// Looking closer: what the clinician asks of the station's camera, and the quiet row of buttons for it.

import { WHOLE, isCrop, same } from "./crop.js";
import { Gestures } from "./gestures.js";
import { Incoming, Stills } from "./still.js";

const SAY_MS = 90; // a drag is many moves: the station takes twenty a second
const TRUST_MS = 600; // what the clinician does now counts for more than what the station last said
const ASKED_MS = 8000; // for so long a change of camera is our own wish
const NOTE_MS = 20000;
const CAMERAS = ["room", "examination"];

export class Look {
  // `say(message)` tells the station. `root` is the call's pane.
  constructor({ root, words, say }) {
    Object.assign(this, { words, say });
    this.video = root.querySelector("#remote");
    this.pictures = root.querySelector(".pictures");
    this.bar = root.querySelector("#look");
    this.part = Object.fromEntries(Array.from(this.bar.querySelectorAll("[data-look]"), (e) => [e.dataset.look, e]));
    this.stills = new Stills({ root: root.querySelector(".seen"), words, onChange: () => this.draw() });
    this.incoming = new Incoming({
      onStill: (jpeg, size) => this.stills.add(jpeg, size, "still"),
      onFailed: (reason) => this.note(reason),
      onChange: () => this.draw(),
    });
    this.gestures = new Gestures(this.pictures, {
      crop: () => (this.seeing ? this.crop : null),
      shape: () => [this.video.videoWidth, this.video.videoHeight],
      onCrop: (crop) => this.want(crop),
    });
    this.part.closer.onclick = () => this.gestures.step(true);
    this.part.wider.onclick = () => this.gestures.step(false);
    this.part.whole.onclick = () => this.want(WHOLE);
    this.part.follow.onclick = () => this.follow(!this.seeing.following);
    this.part.camera.onclick = () => this.swap();
    this.part.still.onclick = () => this.take();
    this.part.freeze.onclick = () => this.stills.freeze(this.video);
    this.reset();
  }

  reset() {
    this.seeing = null; // what the station last said of its picture
    this.crop = WHOLE;
    this.wantedAt = -Infinity;
    this.askedAt = -Infinity;
    this.live = false;
    clearTimeout(this.saying);
    this.saying = undefined;
    clearTimeout(this.noting);
    this.part.note.textContent = "";
  }

  // The call as it is now; `live`: pictures may come.
  show(live) {
    if (this.live === live) return;
    this.live = live;
    this.draw();
  }

  // The call is over, or this page has none: nothing of it stays.
  end() {
    this.reset();
    this.incoming.drop();
    this.stills.clear();
    this.draw();
  }

  // Another connection carries the call: what was on its way will not come.
  moved() {
    this.incoming.fail("still_lost");
    this.seeing = null;
    this.draw();
  }

  // What the station said over the control channel.
  hear(message) {
    if (message.type === "still") this.incoming.fail(`still_${message.error}`);
    if (message.type !== "view" || !isCrop(message.crop) || !CAMERAS.includes(message.camera)) return;
    const cameras = CAMERAS.filter((name) => Array.isArray(message.cameras) && message.cameras.includes(name));
    const before = this.seeing?.camera;
    this.seeing = { ...message, cameras };
    const now = performance.now();
    if (now - this.wantedAt > TRUST_MS || before !== message.camera) this.crop = message.crop;
    if (before === "examination" && message.camera === "room" && now - this.askedAt > ASKED_MS) this.note("camera_gone");
    this.draw();
  }

  want(crop) {
    if (!this.seeing || this.seeing.zoom === false || same(crop, this.crop)) return;
    this.crop = crop;
    this.wantedAt = performance.now();
    this.saying ??= setTimeout(() => this.sayCrop(), SAY_MS);
    this.draw();
  }

  sayCrop() {
    this.saying = undefined;
    this.say({ type: "look", ...this.crop });
  }

  follow(on) {
    this.wantedAt = -Infinity;
    this.say({ type: "follow", on });
  }

  swap() {
    this.askedAt = performance.now();
    this.say({ type: "camera", which: this.seeing.camera === "room" ? "examination" : "room" });
  }

  take() {
    if (this.incoming.waiting || this.stills.full) return;
    this.part.note.textContent = "";
    this.incoming.expect();
    this.say({ type: "still" });
  }

  note(key) {
    this.part.note.textContent = this.words(this.words.has(key) ? key : "still_failed");
    clearTimeout(this.noting);
    this.noting = setTimeout(() => (this.part.note.textContent = ""), NOTE_MS);
  }

  draw() {
    const { seeing, part } = this;
    const ready = this.live && seeing !== null;
    this.bar.hidden = !ready;
    this.pictures.tabIndex = ready ? 0 : -1;
    if (!ready) return;
    const closer = this.crop.size < 1;
    this.pictures.dataset.closer = closer ? "yes" : "no";
    text(part.zoom, this.words("zoom_times", { times: (1 / this.crop.size).toFixed(1) }));
    enable(part.wider, closer);
    enable(part.whole, closer || seeing.by_hand === true);
    enable(part.closer, this.crop.size > 0.2);
    for (const button of [part.zoom, part.wider, part.whole, part.closer]) button.hidden = seeing.zoom === false;
    const room = seeing.camera === "room";
    part.follow.hidden = !room;
    part.follow.setAttribute("aria-pressed", String(seeing.following === true && seeing.by_hand !== true));
    part.camera.hidden = seeing.cameras.length < 2 && room;
    text(part.camera, this.words(room ? "camera_to_examination" : "camera_to_room"));
    const { waiting, share } = this.incoming;
    part.still.hidden = seeing.still === false;
    enable(part.still, !waiting && !this.stills.full);
    enable(part.freeze, !this.stills.full);
    text(part.still, waiting ? this.words("still_coming", { percent: Math.round(share * 100) }) : this.words("still_take"));
    part.still.title = this.stills.full ? this.words("still_full") : "";
  }

  // What the clinician should know of the picture, in words.
  notes() {
    const { seeing } = this;
    if (!this.live || seeing === null) return [];
    if (seeing.lens === "covered") return [this.words("lens_covered")];
    if (seeing.lens === "dark") return [this.words("lens_dark")];
    return [];
  }
}

// A button that cannot be used now keeps the keyboard's place, so it is told off and not taken away.
function enable(button, on) {
  button.setAttribute("aria-disabled", String(!on));
  button.disabled = !on && document.activeElement !== button;
}

function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
