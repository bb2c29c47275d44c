// One peer connection with a station. The station makes the offer; we answer at once, with or without a camera.

const CONTROL = { negotiated: true, id: 0, ordered: true };
const STILL = { negotiated: true, id: 1, ordered: true };
const GATHER_MS = 15; // candidates found together travel together
const MOST_IN_A_POST = 16;
const LEAVING_MS = 5000;
const SILENT = { candidates() {}, track() {}, opened() {}, control() {}, still() {}, state() {} };

export class Peer {
  // Whoever uses it sets `on`: candidates(generation, list), track(stream), opened(), control(message),
  // still(data), state(word).
  constructor() {
    this.on = SILENT;
    this.generation = 0;
    this.heard = 0; // performance.now() of the last control message
    this.met = false; // it has carried the call
    this.found = [];
    this.connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.control = this.connection.createDataChannel("control", CONTROL);
    this.control.onopen = () => this.on.opened();
    this.control.onmessage = (event) => this.receive(event.data);
    this.stills = this.connection.createDataChannel("still", STILL);
    this.stills.binaryType = "arraybuffer";
    this.stills.onmessage = (event) => this.on.still(event.data);
    this.remote = new MediaStream();
    this.connection.ontrack = ({ track }) => {
      this.remote.addTrack(track);
      this.on.track(this.remote);
    };
    this.connection.onicecandidate = ({ candidate }) => this.candidate(candidate);
    this.connection.onconnectionstatechange = () => this.on.state(this.connection.connectionState);
  }

  // Take the station's offer; gives the SDP of our answer. The tracks may be null, and come later by `send`.
  async answer(generation, sdp, ice, tracks) {
    const pc = this.connection;
    this.generation = generation;
    pc.setConfiguration({ bundlePolicy: "max-bundle", ...ice });
    await pc.setRemoteDescription({ type: "offer", sdp });
    for (const transceiver of pc.getTransceivers()) {
      transceiver.direction = "sendrecv";
    }
    await this.send(tracks);
    await pc.setLocalDescription(await pc.createAnswer());
    return pc.localDescription.sdp;
  }

  // Send these tracks from now on; no new negotiation is needed.
  async send(tracks) {
    for (const { sender, receiver } of this.connection.getTransceivers()) {
      const track = tracks[receiver.track.kind];
      if (sender.track !== track) await sender.replaceTrack(track);
    }
  }

  say(message) {
    if (this.control.readyState === "open") this.control.send(JSON.stringify(message));
  }

  receive(text) {
    this.heard = performance.now();
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      return; // it counts as a sign of life, and means nothing
    }
    if (message && typeof message === "object") this.on.control(message);
  }

  candidate(candidate) {
    this.found.push({
      candidate: candidate?.candidate ?? "",
      mid: candidate?.sdpMid ?? null,
      line: candidate?.sdpMLineIndex ?? null,
    });
    this.flushing ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush() {
    this.flushing = undefined;
    while (this.found.length) this.on.candidates(this.generation, this.found.splice(0, MOST_IN_A_POST));
  }

  close() {
    this.silence();
    this.connection.close();
  }

  silence() {
    clearTimeout(this.flushing);
    this.on = SILENT;
  }

  // Close after a last word, once the station has let go too: on a bad line the word is sent again.
  leave() {
    this.say({ type: "bye" });
    this.silence();
    const close = () => this.connection.close();
    this.control.onclose = close;
    setTimeout(close, LEAVING_MS);
  }
}
