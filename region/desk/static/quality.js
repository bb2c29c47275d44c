// What the connection is like, in plain words, from getStats once a second.

const GRADES = ["good", "fair", "poor"];
const STEADY = 3; // seconds a better grade must last before it is shown
const SILENT_S = 10; // a live microphone is never quite silent for so long
const FROZEN_S = 3;

// A flat sample of the figures that matter, from an RTCStatsReport. Counters only grow; times in seconds.
export function sample(report) {
  const figures = {
    bytes: 0, received: 0, lost: 0, frames: 0, frozen: 0, width: 0, height: 0, sound: null, ownSound: null, rtt: null,
    sentLost: null, relayed: false,
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

// How one second was: 0 good, 1 fair, 2 poor.
export function grade(before, now, seconds, expectsVideo) {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  const loss = Math.max(received + lost > 0 ? lost / (received + lost) : 0, now.sentLost ?? 0);
  const rtt = now.rtt ?? 0;
  const fps = (now.frames - before.frames) / seconds;
  const frozen = now.frozen > before.frozen;
  if (loss > 0.08 || rtt > 0.6 || (expectsVideo && (fps < 8 || frozen))) return 2;
  if (loss > 0.02 || rtt > 0.3 || (expectsVideo && fps < 15)) return 1;
  return 0;
}

export class Quality {
  constructor() {
    this.before = null;
    this.shown = 0;
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
      kbps: Math.round(((now.bytes - before.bytes) * 8) / seconds / 1000),
      rttMs: now.rtt === null ? null : Math.round(now.rtt * 1000),
      size: now.width ? `${now.width}×${now.height}` : "",
      relayed: now.relayed,
    };
  }

  // Worse shows at once, better only when it lasts.
  settle(grade) {
    this.better = grade < this.shown ? this.better + 1 : 0;
    if (grade > this.shown || this.better >= STEADY) {
      this.shown = grade;
      this.better = 0;
    }
  }
}

function stays(silent, expected, before, now, seconds) {
  return expected && now !== null && before === now ? silent + seconds : 0;
}
