// The panel's page: what the station says is shown as it comes, what the visitor does is sent at once and never queued.
const at = (id) => document.getElementById(id);
const RATE = 48000;
const LEAD_S = 0.15; // sound is played this far behind, so that an uneven stream stays even

const send = (path) => fetch(path, { method: "POST" }).then((answer) => answer.ok, () => false);

function showState(state) {
  if (state.language !== document.documentElement.lang) {
    location.reload();
    return;
  }
  at("station").textContent = state.station ? `· ${state.station}` : "";
  at("state").textContent = state.state_text;
  document.body.dataset.state = state.state;
  at("light").textContent = state.light_text;
  for (const lamp of [at("lamp"), at("well")]) lamp.dataset.light = state.light;
  at("camera-led").classList.toggle("on", state.camera);
  at("press").disabled = state.away;
  for (const box of document.querySelectorAll("[data-device]")) {
    box.disabled = state.away;
    if (!state.away) box.checked = state.devices[box.dataset.device] === "ok";
  }
}

let fetching = false;
let wanted = 0;
let shown = 0;

// One picture at a time: a slow page shows fewer, never older ones.
async function showScreen(version) {
  wanted = version;
  if (!version) {
    at("screen").hidden = true;
    at("no-screen").hidden = false;
  }
  if (fetching) return;
  fetching = true;
  while (wanted && wanted !== shown) {
    const version = wanted;
    const picture = new Image();
    picture.src = `/screen.jpg?v=${version}`;
    try {
      await picture.decode();
      at("screen").src = picture.src;
      at("screen").hidden = false;
      at("no-screen").hidden = true;
    } catch {
      // Replaced while it was read: the next event brings the next one.
    }
    shown = version;
  }
  fetching = false;
}

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("state", (event) => showState(JSON.parse(event.data)));
  events.addEventListener("screen", (event) => showScreen(Number(event.data)));
  events.addEventListener("level", (event) => (at("level").value = Number(event.data)));
  events.addEventListener("error", () => {
    at("press").disabled = true;
    at("level").value = -60;
  });
}

class Ear {
  constructor() {
    this.context = new AudioContext({ sampleRate: RATE });
    this.stopped = new AbortController();
    this.next = 0;
    this.rest = new Uint8Array(0);
  }

  async listen() {
    while (!this.stopped.signal.aborted) {
      try {
        const answer = await fetch("/speaker.pcm", { signal: this.stopped.signal });
        const reader = answer.body.getReader();
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          this.play(value);
        }
      } catch {
        // The panel went away, or listening was stopped.
      }
      if (!this.stopped.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  play(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const count = all.length >> 1;
    this.rest = all.slice(count * 2);
    if (!count) return;
    const view = new DataView(all.buffer);
    const buffer = this.context.createBuffer(1, count, RATE);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < count; i++) samples[i] = view.getInt16(i * 2, true) / 32768;
    const now = this.context.currentTime;
    if (this.next < now || this.next > now + 4 * LEAD_S) this.next = now + LEAD_S;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    source.start(this.next);
    this.next += buffer.duration;
  }

  stop() {
    this.stopped.abort();
    this.context.close();
  }
}

let ear = null;

at("press").addEventListener("click", async () => {
  at("press").classList.add("down");
  setTimeout(() => at("press").classList.remove("down"), 150);
  await send("/press");
});

at("listen").addEventListener("click", () => {
  if (ear) ear.stop();
  ear = ear ? null : new Ear();
  at("listen").setAttribute("aria-pressed", String(ear !== null));
  if (ear) ear.listen();
});

for (const box of document.querySelectorAll("[data-device]")) {
  box.addEventListener("change", async () => {
    const sent = await send(`/simulate/${box.checked ? "plug" : "unplug"}_${box.dataset.device}`);
    if (!sent) box.checked = !box.checked;
  });
}

follow();
