// Hands on a Firefox ESR for a test in another language: one JSON command a line comes in, one JSON answer a line goes out.
//
//   {"do": "open", "link": "http://..."}      {"do": "click", "name": "Answer"}      {"do": "state", "name": "live"}
//   {"do": "frames", "more": 30}      {"do": "energy", "seconds": 10}      {"do": "complaints"}

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
};

const PATIENCE_MS = 20000; // generous: the machine may be busy

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.argv[2],
  headless: true,
  extraPrefsFirefox: PREFERENCES,
});
const page = await browser.newPage();
const complaints = [];
await page.evaluateOnNewDocument(() => {
  window.connections = [];
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...options) {
      super(...options);
      window.connections.push(this);
    }
  };
});
page.on("pageerror", (error) => complaints.push(String(error)));

const COMMANDS = {
  async open({ link }) {
    await page.goto(link);
    await page.waitForSelector('#desk[data-link="up"]', { timeout: PATIENCE_MS });
  },
  async click({ name }) {
    const button = page.locator(`::-p-xpath(//button[normalize-space()="${name}"])`);
    await button.setTimeout(PATIENCE_MS).click();
  },
  state: ({ name }) => page.waitForSelector(`#call[data-state="${name}"]`, { timeout: PATIENCE_MS }).then(() => null),
  frames: ({ more }) => page.evaluate(see, more, PATIENCE_MS),
  energy: ({ seconds }) => page.evaluate(listen, seconds),
  complaints: () => complaints,
};

// So many more pictures of the station are shown. (Firefox's getVideoPlaybackQuality does not count live streams.)
async function see(more, patience) {
  const shown = () => document.querySelector("#remote").mozPaintedFrames;
  const wanted = shown() + more;
  const until = performance.now() + patience;
  while (shown() < wanted) {
    if (performance.now() > until) throw new Error(`${wanted - shown()} of ${more} pictures did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// The energy of the sound that arrives, RMS of full scale, over so many seconds at most. From the figures of WebRTC: Firefox
// runs no AudioContext on a machine without a sound card.
async function listen(seconds) {
  const energy = async () => {
    const sum = { energy: 0, duration: 0 };
    for (const connection of window.connections) {
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== "inbound-rtp" || stat.kind !== "audio") continue;
        sum.energy += stat.totalAudioEnergy;
        sum.duration += stat.totalSamplesDuration;
      }
    }
    return sum;
  };
  const before = await energy();
  const until = performance.now() + seconds * 1000;
  let loudness = 0;
  while (performance.now() < until && loudness < 0.01) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = await energy();
    const duration = now.duration - before.duration;
    if (duration > 0) loudness = Math.sqrt((now.energy - before.energy) / duration);
  }
  return loudness;
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await COMMANDS[command.do](command)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
