// A station made of a browser: the peer to beat. It speaks the station's own signalling (messaging/call.py) through
// the bench's bridge, opens its camera on a press alone, and prepares its connection while it rings, as ours does.
import { follow, newRecord, timedStream } from "/timecode.js";

const remote = document.querySelector("#remote");
const own = document.querySelector("#own");
const query = new URLSearchParams(location.search);
const size = { width: Number(query.get("width")), height: Number(query.get("height")), frameRate: 30 };
const station = { record: newRecord(), state: "idle", pressed: null, connected: null, makeStream: timedStream };
window.station = station;
follow(remote, station.record);

let call = null;
let peer = null;
let stream = null;
let control = null;
let pings = null;

const say = (type, fields = {}) =>
  fetch(`/up/${call}`, { method: "POST", body: JSON.stringify({ type, ...fields }) });
const devices = { camera: "ok", microphone: "ok", speaker: "ok" };

async function prepare(iceServers, withMedia) {
  peer = new RTCPeerConnection({ iceServers });
  control = peer.createDataChannel("control", { negotiated: true, id: 0 });
  control.onopen = () => {
    pings = setInterval(() => control.readyState === "open" && control.send('{"type":"ping"}'), 1000);
  };
  const received = new MediaStream();
  peer.ontrack = ({ track }) => {
    received.addTrack(track);
    remote.srcObject = received;
  };
  const video = peer.addTransceiver("video", { direction: "sendrecv" });
  peer.addTransceiver("audio", { direction: "sendrecv" });
  const wanted = RTCRtpSender.getCapabilities("video").codecs.filter((codec) => codec.mimeType === "video/H264");
  video.setCodecPreferences(wanted);
  if (withMedia) await attach();
  await peer.setLocalDescription();
  if (peer.iceGatheringState !== "complete")
    await new Promise((done) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
    });
  await say("offer", { generation: 1, sdp: peer.localDescription.sdp });
}

async function attach() {
  const senders = peer.getSenders();
  const [video] = stream.getVideoTracks();
  const [audio] = stream.getAudioTracks();
  await Promise.all([senders[0].replaceTrack(video), senders[1].replaceTrack(audio)]);
  own.srcObject = stream;
}

async function openCamera() {
  // The device is opened as a real station would; what it sends is the picture that carries the time.
  const device = await navigator.mediaDevices.getUserMedia({ video: size, audio: true });
  stream = station.makeStream(size.width, size.height, 30, device);
  stream.device = device;
}

station.press = async () => {
  station.pressed = performance.timeOrigin + performance.now();
  if (station.state === "idle") {
    station.state = "calling";
    call = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
    const opening = openCamera();
    await say("request", { devices });
    await opening;
  } else if (station.state === "ringing") {
    station.state = "connecting";
    say("accept");
    await openCamera();
    await attach();
  } else {
    say("hangup", { reason: "resident_left" });
    end();
  }
};

// From the picture that carries the time to the browser's own fake camera, which costs it least.
station.plain = async () => {
  const timed = stream;
  stream = timed.device;
  await attach();
  timed.getTracks().forEach((track) => track.stop());
  timed.end();
};

function end() {
  clearInterval(pings);
  peer?.close();
  peer = null;
  for (const one of [stream, stream?.device]) one?.getTracks().forEach((track) => track.stop());
  stream?.end?.();
  stream = null;
  remote.srcObject = null;
  own.srcObject = null;
  station.state = "idle";
}

const heard = {
  async ringing({ ice_servers: servers = [] }) {
    while (stream === null) await new Promise((done) => setTimeout(done, 1));
    await prepare(servers, true);
  },
  async invite({ ice_servers: servers = [] }) {
    station.state = "ringing";
    await say("alerting", { devices });
    await prepare(servers, false);
  },
  async answer({ sdp }) {
    await peer.setRemoteDescription({ type: "answer", sdp });
    if (station.state === "calling") station.state = "connecting";
  },
  async candidate({ candidate, mid, line }) {
    if (candidate) await peer.addIceCandidate({ candidate, sdpMid: mid ?? null, sdpMLineIndex: line ?? null });
  },
  hangup: end,
  refused: end,
};

const events = new EventSource("/dn");
let order = Promise.resolve();
events.onmessage = ({ data }) => {
  const { call: of, message } = JSON.parse(data);
  if (message.type === "invite") call = of;
  // A candidate may overtake nothing: one message after the other.
  order = order.then(() => (of === call ? heard[message.type]?.(message) : undefined)).catch((error) => {
    station.error = String(error);
  });
};
events.onopen = () => {
  station.ready = true;
};
remote.addEventListener("playing", () => {
  if (station.state !== "connecting") return;
  station.state = "in_call";
  say("connected", { generation: 1, after_ms: 0 });
});
