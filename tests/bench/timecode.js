// The time code of device/hardware/sim/timecode.py, painted and read in a browser: the lowest 1/20 of the picture,
// 40 cells, 32 bits of Unix milliseconds and a CRC-8.
export const CELLS = 40;

export function crc8(milliseconds) {
  let check = 0xff;
  for (let shift = 24; shift >= 0; shift -= 8) {
    check ^= Math.floor(milliseconds / 2 ** shift) & 0xff;
    for (let bit = 0; bit < 8; bit++) check = (check & 0x80 ? (check << 1) ^ 0x07 : check << 1) & 0xff;
  }
  return check;
}

// The 40 cells of a time, true for white.
export function cells(milliseconds) {
  const now = milliseconds % 2 ** 32;
  const check = crc8(now);
  return Array.from({ length: CELLS }, (_, cell) =>
    Boolean(cell < 32 ? Math.floor(now / 2 ** (31 - cell)) & 1 : (check >> (39 - cell)) & 1),
  );
}

export const stripHeight = (height) => Math.max(2, Math.floor(height / 40) * 2);

export function paint(context, width, height) {
  const strip = stripHeight(height);
  cells(Date.now()).forEach((white, cell) => {
    const left = Math.floor((cell * width) / CELLS);
    context.fillStyle = white ? "#fff" : "#000";
    context.fillRect(left, height - strip, Math.floor(((cell + 1) * width) / CELLS) - left, strip);
  });
}

// The milliseconds (modulo 2^32) in one row of a strip, or null where no code can be read. `at(x)` is how bright a
// pixel is; a cell is black up to `dark` and white from `bright`.
export function read(at, width, dark = 85, bright = 170) {
  let code = 0;
  let check = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const from = Math.floor(((cell * 4 + 1) * width) / (CELLS * 4));
    const to = Math.max(from + 1, Math.floor(((cell * 4 + 3) * width) / (CELLS * 4)));
    let sum = 0;
    for (let x = from; x < to; x++) sum += at(x);
    const mean = sum / (to - from);
    if (mean > dark && mean < bright) return null;
    const bit = mean >= bright ? 1 : 0;
    if (cell < 32) code = code * 2 + bit;
    else check = check * 2 + bit;
  }
  return check === crc8(code) ? code : null;
}

// Milliseconds between what the frame says and now, or null where no code can be read.
export function age(video, scratch) {
  const { videoWidth: width, videoHeight: height } = video;
  const top = Math.floor((height * 77) / 80);
  const rows = Math.max(1, Math.floor((height * 79) / 80) - top);
  scratch.width = width;
  scratch.height = rows;
  const context = scratch.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, top, width, rows, 0, 0, width, rows);
  const now = Date.now() % 2 ** 32;
  const { data } = context.getImageData(0, Math.floor(rows / 2), width, 1);
  const code = read((x) => data[x * 4 + 1], width);
  if (code === null) return null;
  const behind = (((now - code) % 2 ** 32) + 2 ** 32) % 2 ** 32;
  return behind < 2 ** 31 ? behind : behind - 2 ** 32;
}

// A picture that moves and carries the time, and a tone: what both browsers send while latency is measured.
export function timedStream(width, height, fps) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { alpha: false });
  let turn = 0;
  const draw = () => {
    turn += 1;
    context.fillStyle = "#456";
    context.fillRect(0, 0, width, height);
    context.fillStyle = "#db8";
    context.fillRect((turn * 7) % width, height / 3, width / 8, height / 4);
    paint(context, width, height);
  };
  draw();
  const timer = setInterval(draw, 1000 / fps);
  const stream = canvas.captureStream(fps);
  const sound = new AudioContext();
  const tone = sound.createOscillator();
  tone.frequency.value = 330;
  const quiet = sound.createGain();
  quiet.gain.value = 0.2;
  const out = sound.createMediaStreamDestination();
  tone.connect(quiet).connect(out);
  tone.start();
  stream.addTrack(out.stream.getAudioTracks()[0]);
  stream.end = () => {
    clearInterval(timer);
    sound.close();
  };
  return stream;
}

// Follows a video element: when its first picture of a call came, and how old pictures are while `measuring`.
export function follow(video, record) {
  const scratch = document.createElement("canvas");
  const look = () => {
    record.frames += 1;
    if (record.first === null) record.first = performance.timeOrigin + performance.now();
    if (record.measuring) {
      const milliseconds = age(video, scratch);
      if (milliseconds !== null) record.ages.push(milliseconds);
    }
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}

export const newRecord = () => ({ first: null, frames: 0, measuring: false, ages: [] });
