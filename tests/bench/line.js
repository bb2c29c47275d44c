// What `bench-line` adds to a page, the clinician's and the Chromium station's alike: it sends the simulated camera's
// scene and a known speech, and keeps what it receives, to be judged when the call is over. No picture passes through
// RGB or a canvas: what is sent is known to the bit, and what is kept is what the decoder gave.
import { CELLS, cells, read, stripHeight } from "./timecode.js";

const GRAB_MS = 400;
const DARK = 89; // device/hardware/sim/timecode.py
const BRIGHT = 162;

// The scene of device/hardware/sim/scene.py, from its own parts (tests/bench/line_scene.py). The bench compares the
// two before it begins.
export class Scenery {
  constructor(parts, bytes) {
    Object.assign(this, parts);
    let at = 0;
    const next = (count) => bytes.subarray(at, (at += count));
    this.still = next((this.width * this.height * 3) / 2);
    this.sprites = this.sprites.map(({ width, height }) => {
      const sizes = [width * height, (width * height) / 4, (width * height) / 4];
      const planes = sizes.map(next);
      return { width, height, planes, masks: [next(sizes[0]), next(sizes[1])] };
    });
  }

  // The picture at a moment, planar 4:2:0.
  paint(milliseconds) {
    const picture = this.still.slice();
    const wall = (milliseconds + 0.5) / 1000;
    const wave = (hertz) => Math.sin(2 * Math.PI * hertz * wall);
    const mouth = Math.abs(wave(this.speech_hz)) * this.sprites.length;
    const head = this.sprites[Math.min(Math.trunc(mouth), this.sprites.length - 1)];
    const left = this.width / 2 + (40 * wave(this.sway_hz) - 120) * this.unit;
    this.blit(picture, head, left, (120 + 8 * wave(this.nod_hz)) * this.unit);
    this.clock(picture, wall);
    this.code(picture, milliseconds);
    return picture;
  }

  blit(picture, sprite, left, top) {
    const x = Math.floor(Math.trunc(left) / 2) * 2;
    const y = Math.floor(Math.trunc(top) / 2) * 2;
    let start = 0;
    sprite.planes.forEach((plane, number) => {
      const scale = number ? 2 : 1;
      const [width, height] = [this.width / scale, this.height / scale];
      const mask = sprite.masks[Math.min(number, 1)];
      const across = sprite.width / scale;
      for (let row = 0; row < Math.min(sprite.height / scale, height - y / scale); row++) {
        const to = start + (y / scale + row) * width + x / scale;
        for (let column = 0; column < Math.min(across, width - x / scale); column++)
          if (mask[row * across + column]) picture[to + column] = plane[row * across + column];
      }
      start += width * height;
    });
  }

  clock(picture, wall) {
    const { at, dot, margin, digits, panel, glyphs } = this.face;
    const now = new Date(Math.floor(wall) * 1000);
    const two = (number) => String(number).padStart(2, "0");
    const text = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
    const columns = (text.length * 6 - 1) * dot + 2 * margin;
    const rows = 7 * dot + 2 * margin;
    for (let y = 0; y < Math.min(rows, this.height - at); y++)
      for (let x = 0; x < Math.min(columns, this.width - at); x++) {
        const column = Math.floor((x - margin) / dot);
        const row = Math.floor((y - margin) / dot);
        const lit = glyphs[text[Math.floor(column / 6)]]?.[row]?.[column % 6] === "1";
        picture[(at + y) * this.width + at + x] = lit ? digits : panel;
      }
  }

  code(picture, milliseconds) {
    const { width, height } = this;
    const strip = stripHeight(height);
    const top = height - strip;
    cells(milliseconds).forEach((white, cell) => {
      const from = Math.floor((cell * width) / CELLS);
      const to = Math.floor(((cell + 1) * width) / CELLS);
      for (let y = top; y < height; y++) picture.fill(white ? 235 : 16, y * width + from, y * width + to);
    });
    const half = (width * height) / 4;
    for (const plane of [width * height, width * height + half])
      picture.fill(128, plane + (Math.floor(top / 2) * width) / 2, plane + half);
  }
}

// The scene as a stream that can be ended, as timedStream of timecode.js, with `voice`: {track, end()}.
function lineStream(scenery, voice, fps = 30) {
  const { width, height } = scenery;
  const pictures = new MediaStreamTrackGenerator({ kind: "video" });
  const writer = pictures.writable.getWriter();
  const draw = () => {
    if (writer.desiredSize <= 0) return;
    const timestamp = Math.round(performance.now() * 1000);
    const bytes = scenery.paint(Date.now());
    const frame = new VideoFrame(bytes, { format: "I420", codedWidth: width, codedHeight: height, timestamp });
    writer.write(frame).catch(() => {});
  };
  const timer = setInterval(draw, 1000 / fps);
  const stream = new MediaStream([pictures, voice.track]);
  stream.end = () => {
    clearInterval(timer);
    writer.close().catch(() => {});
    voice.end();
  };
  return stream;
}

// The speech, from its beginning, over and over, as it is: no processing touches it.
function plainVoice(speech) {
  const sound = new AudioContext({ sampleRate: 48000 });
  const buffer = sound.createBuffer(1, speech.length, 48000);
  buffer.copyToChannel(Float32Array.from(speech, (sample) => sample / 32768), 0);
  const voice = new AudioBufferSourceNode(sound, { buffer, loop: true });
  const out = new MediaStreamAudioDestinationNode(sound, { channelCount: 1 });
  voice.connect(out);
  voice.start();
  return { track: out.stream.getAudioTracks()[0], end: () => sound.close() };
}

// Keeps what a video element shows and its sound plays while `on`.
export class Keeper {
  constructor(video) {
    this.video = video;
    this.forget();
    const look = () => {
      this.first ??= Date.now();
      if (this.on) this.picture(Date.now());
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    setInterval(() => this.listen(), 100);
  }

  // Another call begins.
  forget() {
    Object.assign(this, { on: false, first: null, pictures: [], grabs: [], sound: [], grabbed: 0, unreadable: 0 });
  }

  async picture(now) {
    const frame = new VideoFrame(this.video);
    try {
      const { codedWidth: width, codedHeight: height } = frame;
      const y = Math.floor((height * 39) / 40 / 2) * 2;
      const strip = await plane(frame, { x: 0, y, width, height: 2 });
      const code = read((x) => strip[x], width, DARK, BRIGHT);
      if (code === null) this.unreadable += 1;
      else this.pictures.push([now, code]);
      if (code !== null && now - this.grabbed >= GRAB_MS) {
        this.grabbed = now;
        this.grabs.push({ code, width, height, luma: await plane(frame, { x: 0, y: 0, width, height }) });
      }
    } finally {
      frame.close();
    }
  }

  // A new connection in the same call brings a new track.
  listen() {
    const track = this.video.srcObject?.getAudioTracks()[0];
    if (!track || track === this.track) return;
    this.track = track;
    this.follow(new MediaStreamTrackProcessor({ track }).readable.getReader(), track);
  }

  async follow(reader, track) {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || track !== this.track) return;
      if (this.on) {
        const samples = new Float32Array(value.numberOfFrames);
        value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        this.sound.push([Date.now(), value.sampleRate, Int16Array.from(samples, (one) => one * 32767)]);
      }
      value.close();
    }
  }

  // All that was kept, as JSON.
  take() {
    const { pictures, unreadable } = this;
    const grabs = this.grabs.map((grab) => ({ ...grab, luma: grab.luma.toBase64() }));
    const sound = this.sound.map(([at, rate, samples]) => [at, rate, new Uint8Array(samples.buffer).toBase64()]);
    return { pictures, unreadable, grabs, sound };
  }
}

// The luma of a part of a decoded picture, without padding.
async function plane(frame, rect) {
  const bytes = new Uint8Array(frame.allocationSize({ rect }));
  const [{ offset, stride }] = await frame.copyTo(bytes, { rect });
  if (offset === 0 && stride === rect.width) return bytes.slice(0, rect.width * rect.height);
  const luma = new Uint8Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++)
    luma.set(bytes.subarray(offset + row * stride, offset + row * stride + rect.width), row * rect.width);
  return luma;
}

// Everything a page needs, made once. `stream()` speaks the speech, `streamWith(track)` what that track hears.
export async function prepare(video) {
  const [parts, bytes, speech] = await Promise.all([
    fetch("/bench/scene.json").then((answer) => answer.json()),
    fetch("/bench/scene.bin").then((answer) => answer.arrayBuffer()),
    fetch("/bench/speech.bin").then((answer) => answer.arrayBuffer()),
  ]);
  const scenery = new Scenery(parts, new Uint8Array(bytes));
  const samples = new Int16Array(speech);
  return {
    scenery,
    keeper: new Keeper(video),
    auto: false,
    stream: () => lineStream(scenery, plainVoice(samples)),
    streamWith: (track) => lineStream(scenery, { track, end: () => track.stop() }),
  };
}
