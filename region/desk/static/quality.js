// What the connection is like, in plain words, from getStats once a second.

const GRADES = ["good", "fair", "poor"];
const STEADY = 3; // seconds a better grade must last before it is shown
const SILENT_S = 10; // a live microphone is never quite silent for so long
const FROZEN_S = 3;
const FEW_FPS = [13, 6]; // fair and poor below; cameras give 30, and 15 in a dim room

// A flat sample of the figures that matter, from an RTCStatsReport. Counters only grow; times in seconds.
export function sample(report) {
  const figures = {
    bytes: 0, received: 0, lost: 0, frames: 0, frozen: 0, width: 0, height: 0, sound: null, ownSound: null, rtt: null,
    sentLost: null, relayed: false, sentBytes: 0, sentFrames: 0, sentWidth: 0, sentHeight: 0,
  };
  const byId = new Map();
  report.forEach((stat) => byId.set(stat.id, stat));
  for (const stat of byId.values()) {
    if (stat.type === "inbound-rtp") {
      figures.bytes += stat.bytesReceived ?? 0;
      figures.received += stat.packetsReceived ?? 0;
      figures.lost += Math.max(0, stat.packetsLost ?? 0);
      if (stat.kind === "video") {
        figures.frames = stat.framesDecoded ?? 0;
        figures.frozen = stat.totalFreezesDuration ?? 0;
        figures.width = stat.frameWidth ?? 0;
        figures.height = stat.frameHeight ?? 0;
      } else {
        figures.sound = stat.totalAudioEnergy ?? null;
      }
    } else if (stat.type === "outbound-rtp") {
      figures.sentBytes += stat.bytesSent ?? 0;
      if (stat.kind === "video") {
        figures.sentFrames = stat.framesEncoded ?? 0;
        figures.sentWidth = stat.frameWidth ?? 0;
        figures.sentHeight = stat.frameHeight ?? 0;
      }
    } else if (stat.type === "remote-inbound-rtp") {
      figures.rtt = Math.max(figures.rtt ?? 0, stat.roundTripTime ?? 0);
      figures.sentLost = Math.max(figures.sentLost ?? 0, stat.fractionLost ?? 0);
    } else if (stat.type === "media-source" && stat.kind === "audio") {
      figures.ownSound = stat.totalAudioEnergy ?? null;
    } else if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") {
      figures.rtt ??= stat.currentRoundTripTime ?? null;
      figures.relayed = byId.get(stat.localCandidateId)?.candidateType === "relay";
    }
  }
  return figures;
}

// How one second was, 0 good, 1 fair, 2 poor, and why: the limits are those of the station (device/call/grading.py).
export function grade(before, now, seconds, expectsVideo) {
  const loss = Math.max(lossOf(before, now), now.sentLost ?? 0);
  const fps = (now.frames - before.frames) / seconds;
  const frozen = now.frozen > before.frozen;
  const found = [
    ["loss", step(loss, 0.02, 0.08)],
    ["delay", step(now.rtt ?? 0, 0.3, 0.6)],
    ["picture", expectsVideo ? (frozen || fps < FEW_FPS[1] ? 2 : fps < FEW_FPS[0] ? 1 : 0) : 0],
  ];
  const worst = Math.max(...found.map(([, one]) => one));
  return { step: worst, reason: worst ? found.find(([, one]) => one === worst)[0] : "none" };
}

const step = (value, fair, poor) => (value > poor ? 2 : value > fair ? 1 : 0);

function lossOf(before, now) {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  return received + lost > 0 ? lost / (received + lost) : 0;
}

export class Quality {
  constructor() {
    this.before = null;
    this.shown = 0;
    this.reason = "none";
    this.better = 0;
    this.still = 0;
    this.silent = 0;
    this.ownSilent = 0;
  }

  // Take a sample at `at` (seconds); gives what to show, or null for the first.
  // `expects` says what should be coming or going: {video, audio, ownAudio}.
  take(now, at, expects) {
    const before = this.before;
    this.before = { ...now, at };
    if (!before || at <= before.at) return null;
    const seconds = at - before.at;
    this.settle(grade(before, now, seconds, expects.video));
    this.still = expects.video && now.frames === before.frames ? this.still + seconds : 0;
    this.silent = stays(this.silent, expects.audio, before.sound, now.sound, seconds);
    this.ownSilent = stays(this.ownSilent, expects.ownAudio, before.ownSound, now.ownSound, seconds);
    return {
      grade: GRADES[this.shown],
      flowing: now.bytes > before.bytes,
      frozen: this.still >= FROZEN_S,
      silent: this.silent >= SILENT_S,
      ownSilent: this.ownSilent >= SILENT_S,
      reason: this.reason,
      received: {
        kbps: kbps(before.bytes, now.bytes, seconds),
        fps: Math.round((now.frames - before.frames) / seconds),
        size: size(now.width, now.height),
        loss: lossOf(before, now),
      },
      sent: {
        kbps: kbps(before.sentBytes, now.sentBytes, seconds),
        fps: Math.round((now.sentFrames - before.sentFrames) / seconds),
        size: size(now.sentWidth, now.sentHeight),
        loss: now.sentLost ?? 0,
      },
      rttMs: now.rtt === null ? null : Math.round(now.rtt * 1000),
      relayed: now.relayed,
    };
  }

  // Worse shows at once, better only when it lasts.
  settle({ step, reason }) {
    this.better = step < this.shown ? this.better + 1 : 0;
    if (step >= this.shown || this.better >= STEADY) {
      this.shown = step;
      this.reason = reason;
      this.better = 0;
    }
  }
}

const kbps = (before, now, seconds) => Math.max(0, Math.round(((now - before) * 8) / seconds / 1000)) || 0;
const size = (width, height) => (width ? `${width}×${height}` : "");

function stays(silent, expected, before, now, seconds) {
  return expected && now !== null && before === now ? silent + seconds : 0;
}
