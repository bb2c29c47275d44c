// The clinician's own camera and microphone: opened on an answer or a call, with what there is, closed when it ends.

const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class OwnMedia {
  // `onChange(media)` when a track or a problem comes or goes.
  constructor(onChange) {
    this.onChange = onChange;
    this.reset();
  }

  reset() {
    this.tracks = { audio: null, video: null };
    this.problems = { audio: null, video: null }; // null, or "denied", "missing", "busy", "insecure", "ended"
    this.wanted = { audio: true, video: true };
    this.isOpen = false;
  }

  // Open what there is. Never rejects: what cannot be had is a problem, and the call goes on without it.
  async open() {
    this.isOpen = true;
    try {
      this.take(await this.ask({ audio: AUDIO, video: VIDEO }));
    } catch {
      await this.openOne("audio");
      await this.openOne("video");
    }
    this.onChange(this);
  }

  async openOne(kind) {
    this.problems[kind] = null;
    try {
      this.take(await this.ask({ [kind]: kind === "audio" ? AUDIO : VIDEO }));
    } catch (error) {
      this.problems[kind] = error.reason ?? REASONS[error.name] ?? "busy";
    }
    this.onChange(this);
  }

  ask(constraints) {
    // Absent on a page that came by plain HTTP from another machine.
    if (!navigator.mediaDevices) return Promise.reject(Object.assign(new Error("insecure"), { reason: "insecure" }));
    return navigator.mediaDevices.getUserMedia(constraints);
  }

  take(stream) {
    for (const track of stream.getTracks()) {
      if (!this.isOpen || !this.wanted[track.kind]) {
        track.stop(); // the call ended, or the camera was turned off, while the browser asked
        continue;
      }
      this.tracks[track.kind]?.stop();
      this.tracks[track.kind] = track;
      track.onended = () => this.lost(track);
    }
  }

  lost(track) {
    if (this.tracks[track.kind] !== track) return;
    this.tracks[track.kind] = null;
    this.problems[track.kind] = "ended";
    this.onChange(this);
  }

  // Camera or microphone on or off. The camera is let go, so that its light goes out; the microphone only mutes.
  async want(kind, on) {
    this.wanted[kind] = on;
    const track = this.tracks[kind];
    if (kind === "audio" && track) {
      track.enabled = on;
    } else if (!on) {
      track?.stop();
      this.tracks[kind] = null;
      this.problems[kind] = null;
    }
    this.onChange(this);
    if (on && !this.tracks[kind]) await this.openOne(kind);
  }

  // Whether it is on and really gives something.
  has(kind) {
    return this.wanted[kind] && this.tracks[kind] !== null;
  }

  close() {
    for (const track of Object.values(this.tracks)) track?.stop();
    this.reset();
    this.onChange(this);
  }
}
