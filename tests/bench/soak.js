// What `make soak` adds to the clinician's page, beside line.js: every pause of its picture, all the time, cheaply.
const PAUSE_MS = 500; // tests/bench/viewer.py

export class Pauses {
  constructor(video) {
    this.seen = null;
    this.frames = 0;
    this.pauses = [];
    const look = () => {
      this.notice(Date.now());
      this.seen = Date.now();
      this.frames += 1;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }

  notice(now) {
    if (this.seen === null || now - this.seen <= PAUSE_MS) return;
    if (this.pauses.at(-1)?.[0] === this.seen) this.pauses.pop();
    this.pauses.push([this.seen, now]);
  }

  // What has been noticed since the last time: pictures, and pauses in Unix ms, the last of which may go on.
  take() {
    this.notice(Date.now());
    const { frames, pauses } = this;
    Object.assign(this, { frames: 0, pauses: [] });
    return { frames, pauses };
  }
}
