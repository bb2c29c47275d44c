// One call of this page: what the region says of it, what the peer connection does, and what the clinician wants.
//
// States for the page: calling, ringing (at the station), connecting, live, lost (trying again), ended.

import { Peer } from "./peer.js";
import { Quality, sample } from "./quality.js";

const TICK_MS = 1000;
const LOST_MS = 3500; // neither picture nor sound nor ping for so long; looked at once a second, so told within 4.5
const RETRY_MS = 4000;
const STUCK_MS = 8000; // without a connection for so long after an offer, or after one was asked for
const GIVE_UP_MS = 30000;
const AGREED = ["connecting", "in_call", "resuming"];

export class Session {
  // `view` is the region's of this call; `onChange(session)` whenever something to show has changed, `onTrouble(error)`
  // when the region could not be told of the end.
  constructor({ view, iceServers, signalling, media, peer, onChange, onTrouble }) {
    Object.assign(this, { view, iceServers, signalling, media, onChange, onTrouble });
    this.call = view.call;
    this.spare = peer;
    this.peer = null;
    this.generation = 0;
    this.sign = 0; // when something last came from the station, performance.now()
    this.measured = 0; // when the figures were last looked at
    this.lostAt = null;
    this.asked = -Infinity; // when a new offer was last asked for
    this.begun = performance.now(); // when this page entered the call, or took its newest offer
    this.ended = null; // the reason
    this.remote = null;
    this.theirs = { camera: true, microphone: true };
    this.quality = null;
    this.liveSince = view.connected_s === null ? null : performance.now() - view.connected_s * 1000;
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  // What the page shows: one word.
  get state() {
    if (this.ended !== null) return "ended";
    if (this.lostAt !== null) return "lost";
    if (this.agreed && this.peer?.connection.connectionState === "connected") return "live";
    return { inviting: "calling", alerting: "ringing" }[this.view.state] ?? "connecting";
  }

  get failed() {
    return this.peer?.connection.connectionState === "failed";
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

  // An offer of the station: a new peer connection takes the place of the one before.
  async takeOffer({ generation, sdp }) {
    if (this.ended !== null || generation < this.generation) return;
    if (generation === this.generation) {
      await this.sendAnswer(generation); // it may have been lost on the way
      return;
    }
    this.generation = generation;
    this.begun = performance.now();
    this.answerSdp = null;
    this.peer?.close();
    this.peer = this.spare ?? new Peer();
    this.spare = null;
    this.attend(this.peer);
    const peer = this.peer;
    try {
      const answer = await peer.answer(generation, sdp, this.iceServers, this.media.tracks);
      if (peer !== this.peer) return; // a newer offer, or the end, came meanwhile
      this.answerSdp = answer;
    } catch (error) {
      console.error("the station's offer could not be answered", error);
      if (peer === this.peer) await this.hangUp("connection_failed");
      return;
    }
    await this.sendAnswer(generation);
  }

  async sendAnswer(generation) {
    if (!this.answerSdp) return;
    try {
      await this.signalling.inOrder(`calls/${this.call}/answer`, { generation, sdp: this.answerSdp });
    } catch (error) {
      if (error.code !== "stale") this.problem(error); // stale: it had arrived, or a newer offer is on its way
    }
  }

  attend(peer) {
    peer.on = {
      candidates: (generation, candidates) =>
        this.signalling
          .inOrder(`calls/${this.call}/candidates`, { generation, candidates })
          .catch((error) => this.problem(error)),
      track: (stream) => {
        this.remote = stream;
        this.changed();
      },
      opened: () => this.tellMedia(),
      control: (message) => this.control(message),
      state: (state) => this.connectionState(state),
    };
  }

  control(message) {
    if (message.type === "media") {
      this.theirs = { camera: message.camera !== false, microphone: message.microphone !== false };
      this.changed();
    } else if (message.type === "bye") {
      this.finish("resident_left");
    }
  }

  connectionState(state) {
    if (state === "connected") {
      this.sign = performance.now();
      this.lostAt = null;
      this.watch = new Quality();
      if (this.agreed) this.liveSince ??= performance.now();
    } else if (state === "failed") {
      this.lose();
    }
    this.changed();
  }

  // Once a second: look at the figures, show signs of life, and notice when there are none from the other side.
  async tick() {
    const { peer } = this;
    peer?.say({ type: "ping" });
    if (peer?.connection.connectionState === "connected") await this.measure(peer);
    if (this.ended !== null || peer !== this.peer) return;
    const now = performance.now();
    if (this.state === "live") {
      this.liveSince ??= now;
      this.sign = Math.max(this.sign, peer.heard);
      if (now - this.sign > LOST_MS) this.lose();
    } else if (this.lostAt !== null) {
      if (now - this.lostAt > GIVE_UP_MS) await this.hangUp("media_lost");
      else if (peer?.heard > this.lostAt) this.found();
      else this.rejoin();
    } else if (this.agreed && (this.failed || now - Math.max(this.begun, this.asked) > STUCK_MS)) {
      this.rejoin();
    }
    this.changed();
  }

  async measure(peer) {
    const expects = {
      video: this.state === "live" && this.theirs.camera && !this.view.lacks.includes("camera"),
      audio: this.state === "live" && this.theirs.microphone && !this.view.lacks.includes("microphone"),
      ownAudio: this.media.has("audio"),
    };
    const before = this.measured;
    this.measured = performance.now();
    const figures = this.watch.take(sample(await peer.connection.getStats()), performance.now() / 1000, expects);
    if (figures === null) return;
    this.quality = figures;
    // What flowed may have stopped right after the look before this one.
    if (figures.flowing) this.sign = Math.max(this.sign, before);
  }

  lose() {
    if (this.ended !== null || !this.agreed) return;
    this.lostAt ??= performance.now();
    this.rejoin();
  }

  // The old connection has come alive by itself before a new one was made.
  found() {
    if (this.peer.connection.connectionState !== "connected") return;
    this.lostAt = null;
    this.sign = performance.now();
  }

  // Ask the station for a new offer, but not all the time.
  async rejoin() {
    if (performance.now() - this.asked < RETRY_MS) return;
    this.asked = performance.now();
    try {
      const answer = await this.signalling.post(`calls/${this.call}/rejoin`);
      this.iceServers = answer.ice_servers; // the rest comes as events
    } catch (error) {
      if (error.code === "no_such_call") this.finish(null);
      else this.problem(error);
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
    this.peer?.leave();
    this.spare?.close();
    this.media.close();
    this.changed();
  }

  // Another tab has the call now: let go without ending it.
  handOver() {
    this.peer?.close();
    this.peer = null;
    this.finish("moved");
  }

  // Our camera or microphone has changed.
  async mediaChanged() {
    if (this.ended !== null) return;
    await this.peer?.send(this.media.tracks);
    this.tellMedia();
    this.changed();
  }

  tellMedia() {
    this.peer?.say({ type: "media", camera: this.media.has("video"), microphone: this.media.has("audio") });
  }

  // A word to the region did not get through. While media flows that costs nothing; otherwise try again.
  problem(error) {
    console.warn("the region did not take a message of the call:", error.code ?? error);
    if (this.ended === null && this.state !== "live" && this.agreed) setTimeout(() => this.rejoin(), RETRY_MS / 2);
  }

  changed() {
    this.onChange(this);
  }
}
