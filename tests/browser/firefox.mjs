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

// The loudest of many short looks at what the page plays, RMS of full scale.
async function listen(seconds) {
  const context = new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(document.querySelector("#remote").srcObject);
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const until = performance.now() + seconds * 1000;
  let loudest = 0;
  while (performance.now() < until && loudest < 0.01) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length));
  }
  await context.close();
  return loudest;
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
