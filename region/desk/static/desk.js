// The call desk's page: ties the board, the bell, the call and the region's line together.

import { Board } from "./board.js";
import { Look } from "./look.js";
import { OwnMedia } from "./media.js";
import { Pane } from "./pane.js";
import { Peer } from "./peer.js";
import { Ring } from "./ring.js";
import { Session } from "./session.js";
import { Signalling, pageName } from "./signalling.js";

const SHOW_END_MS = 12000;
const CLOSING_MS = 2500; // a station that has just let go of its camera takes the next call
const OVER = "desk-over"; // [call, reason] of those that ended for this tab, should the region not have heard it

const root = document.querySelector("#desk");
const words = wordsFrom(JSON.parse(document.querySelector("#desk-words").textContent));
const notice = root.querySelector("#notice");
let session = null;
let spare = null; // a peer connection made before it is needed, so that answering is quick
let starting = false;
const telling = new Set(); // calls that we are telling the region the end of
let meanwhile = []; // what the region said of our call before its answer to our POST had come
let elsewhere = null; // our call, in another tab
let board = null;
let bell = null;
let endTimer;

const media = new OwnMedia(() => session?.mediaChanged());
const look = new Look({ root: root.querySelector("#call"), words, say: (message) => session?.say(message) });
const pane = new Pane({
  root: root.querySelector("#call"),
  words,
  look,
  onMute: () => media.want("audio", !media.wanted.audio),
  onCamera: () => media.want("video", !media.wanted.video),
  onHangUp: () => session?.hangUp(),
  onRetry: () => retryMedia(),
  onAgain: () => callAgain(),
  onClose: () => endShown(),
});

const page = await pageName();
const signalling = new Signalling({
  root: root.dataset.root,
  csrf: document.querySelector('meta[name="csrf-token"]').content,
  page,
  runningCall: () => (session && session.state !== "ended" ? session.call : ""),
  onEvent: (name, data) => HANDLERS[name](data),
  onLink: (up) => {
    root.querySelector("#offline").hidden = up;
    root.dataset.link = up ? "up" : "down";
  },
});

const HANDLERS = {
  board(data) {
    board.show(data);
    ring();
  },
  call(view) {
    if (session?.call === view.call && session.state !== "ended") ours(view);
    else if (view.state === "ended") over(view);
    else if (ends().has(view.call)) tellEnd(view.call);
    else if (starting) meanwhile.push(["call", view]);
    else if (view.page === page || view.page === null || view.away) begin(view);
    else away(view);
  },
  offer(offer) {
    if (session?.call === offer.call) session.takeOffer(offer);
    else if (starting) meanwhile.push(["offer", offer]);
  },
  no_call({ call, reason }) {
    away(null);
    if (session && session.state !== "ended" && session.call === call) session.finish(reason);
  },
};

function ours(view) {
  if (view.page !== null && view.page !== page) {
    session.handOver();
    away(view);
  } else {
    session.take(view);
  }
}

// Told of the end of a call that is over here already: the region knows better why.
function over(view) {
  away(null);
  if (session?.call === view.call) session.take(view);
}

// Our call goes on in another tab of ours.
function away(view) {
  elsewhere = view;
  root.querySelector("#elsewhere").hidden = view === null;
  if (view) root.querySelector("#elsewhere-who").textContent = words("elsewhere", view);
  busy();
}

async function answer(call) {
  await start(() => signalling.post(`calls/${call}/claim`));
}

async function callStation(station) {
  await start(() => signalling.post("calls", { station }));
}

// The line has been away for long: end the call and ring the same station again.
async function callAgain() {
  const lost = session;
  await lost.hangUp("media_lost");
  await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
  if (session === lost || session === null) await callStation(lost.view.station);
}

// Begin a call by a click: the camera opens while the region decides.
async function start(ask) {
  if (starting || (session && session.state !== "ended")) return;
  starting = true;
  endShown();
  busy();
  say("");
  const opening = media.open();
  try {
    const entry = await ask();
    take(entry.view, entry);
    if (entry.offer) session.takeOffer(entry.offer);
  } catch (error) {
    media.close();
    said(error);
  }
  starting = false;
  for (const [name, data] of meanwhile.splice(0)) HANDLERS[name](data);
  busy();
  await opening;
}

// Go on in a call that this page has no connection for: it was reloaded, or takes over from another tab.
async function begin(view) {
  away(null);
  take(view, null);
  media.open();
  await session.rejoin();
}

function take(view, entry) {
  clearTimeout(endTimer);
  const peer = spare ?? new Peer();
  spare = null;
  session = new Session({ view, entry, signalling, media, closer: look, peer, onChange: changed, onTrouble: said });
  changed(session);
}

function changed(which) {
  if (which !== session) return;
  pane.show(session, media);
  busy();
  if (session.state === "ended") {
    rememberEnd();
    clearTimeout(endTimer);
    endTimer = setTimeout(endShown, SHOW_END_MS);
    prepare();
  }
}

function endShown() {
  clearTimeout(endTimer);
  if (session && session.state !== "ended") return;
  session = null;
  pane.show(null, media);
  busy();
}

function busy() {
  board?.setBusy(starting || elsewhere !== null || (session !== null && session.state !== "ended"));
  if (board) ring();
}

function ring() {
  bell.show(board.calls, board.busy);
}

async function retryMedia() {
  for (const kind of ["audio", "video"]) {
    if (media.problems[kind] !== null) await media.openOne(kind);
  }
}

function prepare() {
  spare ??= new Peer();
}

function rememberEnd() {
  const { call, ended } = session;
  if (ended === "moved") return;
  sessionStorage.setItem(OVER, JSON.stringify([...ends().set(call, ended)].slice(-5)));
}

function ends() {
  return new Map(JSON.parse(sessionStorage.getItem(OVER) ?? "[]"));
}

// The region still has a call that has ended for us: it was away, and so perhaps was the station. As long as nobody
// tells it, whoever had the call is not free for another.
async function tellEnd(call) {
  if (telling.has(call)) return;
  telling.add(call);
  try {
    await signalling.insist(`calls/${call}/hangup`, { reason: ends().get(call) || "clinician_left" });
  } catch (error) {
    said(error);
  } finally {
    telling.delete(call);
  }
}

// Tell the clinician why something could not be done.
function said(error) {
  console.warn("the desk could not do it:", error.code ?? error);
  say(words(words.has(`error_${error.code}`) ? `error_${error.code}` : "error_other", { by: error.by }));
}

function say(text) {
  notice.textContent = text;
  notice.hidden = text === "";
}

// `words(key, values)` gives the text, `words.has(key)` whether there is one.
function wordsFrom(texts) {
  const give = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  give.has = (key) => key in texts;
  return give;
}

function soundBlocked(blocked) {
  root.querySelector("#sound").hidden = !blocked;
}

async function allowNotes() {
  await Notification.requestPermission();
  showNotesButton();
}

function showNotesButton() {
  root.querySelector("#notes").hidden = !("Notification" in window) || Notification.permission !== "default";
}

board = new Board({ root, words, onAnswer: answer, onCall: callStation });
bell = new Ring({ words, onBlocked: soundBlocked });
root.querySelector("#sound-on").addEventListener("click", () => bell.unlock());
root.querySelector("#notes-on").addEventListener("click", allowNotes);
root.querySelector("#continue").addEventListener("click", () => elsewhere && begin(elsewhere));
showNotesButton();
pane.show(null, media);
prepare();
signalling.open();
