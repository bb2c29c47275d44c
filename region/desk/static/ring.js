// The desk's bell: two soft notes every few seconds while somebody waits, a flashing title, a notification if allowed.

const EVERY_MS = 3500;
const NOTES = [659.3, 523.3]; // E5, C5
const LOUDNESS = 0.22;

export class Ring {
  // `onBlocked(blocked)`: the browser does not let the page sound before somebody has clicked in it.
  constructor({ words, onBlocked }) {
    Object.assign(this, { words, onBlocked });
    this.title = document.title;
    this.waiting = new Set();
    this.context = new AudioContext();
    this.context.onstatechange = () => this.onBlocked(!this.canSound());
    // Not while the button is still held down: the notice that goes away would pull what is being clicked from under it.
    for (const gesture of ["click", "keyup"]) {
      window.addEventListener(gesture, () => this.unlock(), { capture: true });
    }
    this.onBlocked(!this.canSound());
  }

  canSound() {
    return this.context.state === "running";
  }

  async unlock() {
    if (!this.canSound()) await this.context.resume().catch(() => {}); // still blocked: the button stays
    this.onBlocked(!this.canSound());
  }

  // Rings while `calls`, a list of {call, name, site}, is not empty; `silently` only in the title: the clinician is in a
  // call. Told the same again it goes on as it was.
  show(calls, silently) {
    const wanted = JSON.stringify([silently, ...calls.map((call) => call.call)]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    for (const call of calls) {
      if (!this.waiting.has(call.call) && !silently) this.notify(call);
    }
    this.waiting = new Set(calls.map((call) => call.call));
    clearInterval(this.timer);
    document.title = this.title;
    if (this.waiting.size === 0) return;
    this.turn = 0;
    this.beat(silently);
    this.timer = setInterval(() => this.beat(silently), EVERY_MS / 2);
  }

  beat(silently) {
    document.title = this.turn % 2 ? this.title : this.words("waiting_title", { count: this.waiting.size });
    if (this.turn % 2 === 0 && !silently) this.sound();
    this.turn += 1;
  }

  sound() {
    if (!this.canSound()) return;
    NOTES.forEach((frequency, i) => {
      const start = this.context.currentTime + i * 0.45;
      const tone = new OscillatorNode(this.context, { type: "sine", frequency });
      const gain = new GainNode(this.context, { gain: 0 });
      gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.03);
      gain.gain.exponentialRampToValueAtTime(0.001, start + 1.3);
      tone.connect(gain).connect(this.context.destination);
      tone.start(start);
      tone.stop(start + 1.4);
    });
  }

  notify(call) {
    if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
    const note = new Notification(this.words("waiting_note"), { body: `${call.site}, ${call.name}`, tag: call.call });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  }
}
