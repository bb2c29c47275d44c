// One call of this page: what the region says of it, what the peer connection does, and what the clinician wants.
//
// States for the page: calling, ringing (at the station), connecting, live, lost (trying again), ended.

import { Peer } from "./peer.js";
import { Quality, sample } from "./quality.js";
import { Told, verdict } from "./verdict.js";

const TICK_MS = 400;
const LOST_MS = 1200; // neither picture nor sound nor ping for so long; looked at often, so told within two seconds
const FIGURES_MS = 950; // the figures are worked out once a second
const FIRST_MS = 1000; // a lost line: the station offers by itself, so wait a little before asking
const RETRY_MS = 4000;
const STUCK_MS = 8000; // without a connection for so long after an offer, or after one was asked for
const LONG_MS = 60000; // the station's screen gives the clinic's telephone number from now on
const AGREED = ["connecting", "in_call", "resuming"];

export class Session {
  // `view` is the region's of this call; `onChange(session)` whenever something to show has changed, `onTrouble(error)`
  // when the region could not be told of the end.
  constructor({ view, entry, signalling, media, closer, peer, onChange, onTrouble }) {
    Object.assign(this, { view, signalling, media, closer, onChange, onTrouble });
    this.ice = iceOf(entry);
    this.call = view.call;
    this.spare = peer;
    this.peer = null; // carries the call
    this.newer = null; // is being made beside it, and takes its place once the station says so
    this.generation = 0;
    this.sign = 0; // when something last came from the station, performance.now()
    this.looked = 0; // when it was last looked whether something comes
    this.bytes = 0; // how much had come by then
    this.measured = 0; // when the figures were last worked out
    this.ticking = false;
    this.lostAt = null;
    this.asked = -Infinity; // when a new offer was last asked for
    this.begun = performance.now(); // when this page entered the call, or took its newest offer
    this.ended = null; // the reason
    this.remote = null;
    this.theirs = { camera: true, microphone: true };
    this.quality = null;
    this.told = new Told(); // how good the connection is, as the station has it
    this.liveSince = view.connected_s === null ? null : performance.now() - view.connected_s * 1000;
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  // What the page shows: one word.
  get state() {
    if (this.ended !== null) return "ended";
    if (this.lostAt !== null) return "lost";
    if (this.agreed && this.peer?.met) return "live";
    return { inviting: "calling", alerting: "ringing" }[this.view.state] ?? "connecting";
  }

  // The line has been away for so long that the resident should be telephoned.
  get lostLong() {
    return this.lostAt !== null && performance.now() - this.lostAt > LONG_MS;
  }

  get failed() {
    return this.peer?.connection.connectionState === "failed";
  }

  // How good the connection is, in one step and a word of advice; null before there is any telling.
  get verdict() {
    return this.quality && verdict(this.quality, this.told, performance.now(), this.media.has("video"));
  }

  // Both have said yes: before that nothing of the room is shown.
  get agreed() {
    return AGREED.includes(this.view.state);
  }

  take(view) {
    if (this.ended !== null) {
      this.correct(view);
      return;
    }
    this.view = view;
    if (view.connected_s !== null) this.liveSince ??= performance.now() - view.connected_s * 1000;
    if (view.state === "ended") this.finish(view.reason);
    else this.changed();
  }

  // A goodbye tells that the call is over, and only the region why: a hand at the station, or a restart.
  correct(view) {
    if (view.state !== "ended" || this.ended === "moved") return;
    this.ended = view.reason;
    this.changed();
  }

  // An offer of the station: a new peer connection. One that has carried the call is kept beside it: its media may come
  // back by itself, and the station decides which of the two goes on.
  async takeOffer({ generation, sdp }) {
    if (this.ended !== null || generation < this.generation) return;
    if (generation === this.generation) {
      await this.sendAnswer(generation); // it may have been lost on the way
      return;
    }
    this.generation = generation;
    this.begun = performance.now();
    this.answerSdp = null;
    this.signalling.forget();
    const peer = this.spare ?? new Peer();
    this.spare = null;
    this.newer?.close();
    this.newer = null;
    if (this.peer?.met) {
      this.newer = peer;
    } else {
      this.peer?.close();
      this.peer = peer;
    }
    this.attend(peer);
    try {
      const answer = await peer.answer(generation, sdp, this.ice, this.media.tracks);
      if (!this.wanted(peer)) return; // a newer offer, or the end, came meanwhile
      this.answerSdp = answer;
    } catch (error) {
      console.error("the station's offer could not be answered", error);
      if (peer === this.newer) this.dropNewer();
      else if (peer === this.peer) await this.hangUp("connection_failed");
      return;
    }
    await this.sendAnswer(generation);
  }

  async sendAnswer(generation) {
    if (!this.answerSdp) return;
    try {
      await this.signalling.inOrder(`calls/${this.call}/answer`, { generation, sdp: this.answerSdp });
    } catch (error) {
      // With a newer offer on its way this answer is of no use, however it fared.
      if (generation === this.generation) this.problem(error);
    }
  }

  wanted(peer) {
    return this.ended === null && (peer === this.peer || peer === this.newer);
  }

  attend(peer) {
    peer.on = {
      candidates: (generation, candidates) =>
        this.signalling
          .inOrder(`calls/${this.call}/candidates`, { generation, candidates })
          .catch((error) => generation === this.generation && this.problem(error)),
      track: (stream) => {
        if (peer !== this.peer) return;
        this.remote = stream;
        this.changed();
      },
      opened: () => this.tellMedia(peer),
      control: (message) => this.control(peer, message),
      still: (data) => peer === this.peer && this.closer.incoming.take(data),
      state: (state) => (peer === this.newer ? this.newerState(state) : this.connectionState(state)),
    };
  }

  newerState(state) {
    if (state === "failed" || state === "closed") this.dropNewer();
  }

  dropNewer() {
    this.newer?.close();
    this.newer = null;
  }

  // The newer connection carries the call from now on.
  adopt() {
    this.peer.close();
    this.peer = this.newer;
    this.newer = null;
    this.remote = this.peer.remote;
    this.closer.moved();
    this.connectionState("connected");
  }

  control(peer, message) {
    if (message.type === "media" && peer === this.newer) this.adopt();
    if (message.type === "media") {
      this.theirs = { camera: message.camera !== false, microphone: message.microphone !== false };
      this.changed();
    } else if (message.type === "quality") {
      if (peer === this.peer) this.told.take(message, performance.now());
    } else if (message.type === "bye") {
      this.finish("resident_left");
    } else if (peer === this.peer) {
      this.closer.hear(message);
    }
  }

  // Over the connection that carries the call.
  say(message) {
    this.peer?.say(message);
  }

  connectionState(state) {
    if (state === "connected") {
      if (this.lostAt !== null && this.peer.met) return; // the media tell whether it has come back
      this.peer.met = true;
      this.sign = performance.now();
      this.bytes = 0;
      this.lostAt = null;
      this.signalling.hurry(false);
      this.watch = new Quality();
      if (this.agreed) this.liveSince ??= performance.now();
    } else if (state === "failed") {
      this.lose();
    }
    this.changed();
  }

  // Show signs of life, and notice when there are none from the other side.
  async tick() {
    if (this.ticking) return;
    this.ticking = true;
    try {
      await this.look();
    } finally {
      this.ticking = false;
    }
  }

  async look() {
    const { peer } = this;
    for (const one of [peer, this.newer]) one?.say({ type: "ping" });
    const flowing = peer?.met && !this.failed ? await this.measure(peer) : false;
    if (this.ended !== null || peer !== this.peer) return;
    const now = performance.now();
    if (this.state === "live") {
      this.liveSince ??= now;
      this.sign = Math.max(this.sign, peer.heard);
      if (!flowing && now - this.sign > LOST_MS) this.lose();
    } else if (this.lostAt !== null) {
      if (flowing || peer?.heard > this.lostAt) this.found();
      else if (now > this.due) this.rejoin();
    } else if (this.agreed && (this.failed || now - Math.max(this.begun, this.asked) > STUCK_MS)) {
      this.rejoin();
    }
    this.changed();
  }

  // Whether something comes; once a second what the connection is like.
  async measure(peer) {
    const figures = sample(await peer.connection.getStats());
    if (peer !== this.peer) return false;
    const now = performance.now();
    const flowing = figures.bytes > this.bytes;
    // What flowed may have stopped right after the look before this one.
    if (flowing) this.sign = Math.max(this.sign, this.looked);
    this.bytes = figures.bytes;
    this.looked = now;
    if (now - this.measured < FIGURES_MS) return flowing;
    this.measured = now;
    const expects = {
      video: this.state === "live" && this.theirs.camera && !this.view.lacks.includes("camera"),
      audio: this.state === "live" && this.theirs.microphone && !this.view.lacks.includes("microphone"),
      ownAudio: this.media.has("audio"),
    };
    this.quality = this.watch.take(figures, now / 1000, expects) ?? this.quality;
    return flowing;
  }

  lose() {
    if (this.ended !== null || !this.agreed || this.lostAt !== null) return;
    this.lostAt = performance.now();
    this.signalling.hurry(true);
  }

  // The connection that carries the call has come alive by itself.
  found() {
    this.lostAt = null;
    this.sign = performance.now();
    this.signalling.hurry(false);
  }

  // When to ask for an offer: the station makes them by itself, and one that is here needs its time.
  get due() {
    return Math.max(this.lostAt + FIRST_MS, this.asked + RETRY_MS, this.newer ? this.begun + STUCK_MS : 0);
  }

  // Ask the station for a new offer, but not all the time.
  async rejoin() {
    if (performance.now() - this.asked < RETRY_MS) return;
    this.asked = performance.now();
    try {
      this.ice = iceOf(await this.signalling.post(`calls/${this.call}/rejoin`)); // the rest comes as events
    } catch (error) {
      if (error.code === "no_such_call") this.finish(null);
      else this.problem(error);
      if (error.code === "unreachable") this.asked = performance.now() - RETRY_MS + FIRST_MS;
    }
  }

  async hangUp(reason = "clinician_left") {
    const ringing = !this.agreed;
    this.finish(reason === "clinician_left" && ringing ? "cancelled" : reason);
    try {
      await this.signalling.post(`calls/${this.call}/hangup`, { reason });
    } catch (error) {
      this.onTrouble(error); // the station has been told by the connection itself
    }
  }

  finish(reason) {
    if (this.ended !== null) return;
    this.ended = reason ?? "";
    clearInterval(this.timer);
    this.signalling.hurry(false);
    this.signalling.forget();
    this.dropNewer();
    this.peer?.leave();
    this.spare?.close();
    this.media.close();
    this.closer.end();
    this.changed();
  }

  // Another tab has the call now: let go without ending it.
  handOver() {
    this.dropNewer();
    this.peer?.close();
    this.peer = null;
    this.finish("moved");
  }

  // Our camera or microphone has changed.
  async mediaChanged() {
    if (this.ended !== null) return;
    for (const peer of [this.peer, this.newer]) {
      await peer?.send(this.media.tracks);
      this.tellMedia(peer);
    }
    this.changed();
  }

  tellMedia(peer) {
    peer?.say({ type: "media", camera: this.media.has("video"), microphone: this.media.has("audio") });
  }

  // A word to the region did not get through. While media flows that costs nothing; otherwise try again.
  problem(error) {
    console.warn("the region did not take a message of the call:", error.code ?? error);
    const waiting = this.ended === null && this.state === "connecting" && this.agreed;
    if (waiting) setTimeout(() => this.rejoin(), RETRY_MS / 2);
  }

  changed() {
    this.onChange(this);
  }
}

// The servers that the region gave with a call, as a peer connection takes them; none before it has given any.
function iceOf(entry) {
  const policy = entry?.relay_only ? "relay" : "all";
  return { iceServers: entry?.ice_servers ?? [], iceTransportPolicy: policy };
}
