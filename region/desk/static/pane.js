// The pane of the call: both pictures, how it stands in words, and the buttons.

const LEVELS = { audio: "microphone", video: "camera" };

export class Pane {
  constructor({ root, words, look, onMute, onCamera, onHangUp, onRetry, onAgain, onClose }) {
    this.root = root;
    this.words = words;
    this.look = look;
    this.part = Object.fromEntries(Array.from(root.querySelectorAll("[data-part]"), (e) => [e.dataset.part, e]));
    this.remote = root.querySelector("#remote");
    this.own = root.querySelector("#own");
    this.part.mute.onclick = onMute;
    this.part.camera.onclick = onCamera;
    this.part.hangup.onclick = onHangUp;
    this.part.retry.onclick = onRetry;
    this.part.again.onclick = onAgain;
    this.part.close.onclick = onClose;
    this.part.quality.ontoggle = () => this.shown && this.showQuality(this.shown);
    this.part.unmute.onclick = () => this.play(false);
  }

  // Draw the call as it is now; null: there is none.
  show(session, media) {
    this.root.hidden = session === null;
    this.shown = session;
    if (session === null) {
      this.remote.srcObject = null;
      this.own.srcObject = null;
      this.ownTrack = null;
      return;
    }
    const { state } = session;
    this.root.dataset.state = state;
    const { name, site } = session.view;
    this.text("who", this.words("who", { name, site }));
    this.text("state", this.stateWords(session));
    this.showPictures(session, media);
    this.showButtons(state, media);
    this.list("station-notes", state === "ended" ? [] : this.stationNotes(session));
    this.list("own-notes", state === "ended" ? [] : this.ownNotes(session, media));
    const problem = state !== "ended" && Object.values(media.problems).some((reason) => reason !== null);
    this.part.retry.hidden = !problem;
    this.part.again.hidden = !session.lostLong;
    this.showQuality(session);
    this.clock(session);
  }

  stateWords({ state, ended, view, lostLong }) {
    if (state !== "ended") return this.words(lostLong ? "state_lost_long" : `state_${state}`, { name: view.name });
    const reason = this.words.has(`ended_${ended}`) ? this.words(`ended_${ended}`, { name: view.name }) : "";
    return `${this.words("state_ended")} ${reason}`.trim();
  }

  showPictures(session, media) {
    const remote = session.agreed && session.state !== "ended" ? session.remote : null;
    if (this.remote.srcObject !== remote) {
      this.remote.srcObject = remote;
      if (remote) this.play(false);
    }
    const noPicture = !session.theirs.camera || session.view.lacks.includes("camera");
    const live = session.state === "live" && !noPicture;
    this.root.dataset.picture = live ? "on" : "off";
    this.look.show(live);
    const track = media.tracks.video;
    if (this.ownTrack !== track) {
      this.ownTrack = track;
      this.own.srcObject = track ? new MediaStream([track]) : null;
    }
    this.own.hidden = track === null;
  }

  // A page that was reloaded has not been clicked in: the browser may insist on silence until it is.
  async play(muted) {
    this.remote.muted = muted;
    try {
      await this.remote.play();
      this.part.unmute.hidden = !muted;
    } catch (error) {
      if (error.name === "NotAllowedError" && !muted) await this.play(true);
    }
  }

  showButtons(state, media) {
    const over = state === "ended";
    for (const name of ["mute", "camera", "hangup"]) this.part[name].hidden = over;
    this.part.close.hidden = !over;
    this.label("mute", media.wanted.audio ? "mute" : "unmute");
    this.label("camera", media.wanted.video ? "camera_off" : "camera_on");
  }

  stationNotes({ view, theirs, state, quality }) {
    const notes = view.lacks.map((device) => this.words(`station_no_${device}`));
    if (view.by_itself) notes.unshift(this.words("station_by_itself"));
    if (state !== "live") return notes;
    if (!theirs.camera && !view.lacks.includes("camera")) notes.push(this.words("station_camera_off"));
    if (!theirs.microphone && !view.lacks.includes("microphone")) notes.push(this.words("station_microphone_off"));
    notes.push(...this.look.notes());
    if (quality?.frozen) notes.push(this.words("station_frozen"));
    if (quality?.silent) notes.push(this.words("station_silent"));
    return notes;
  }

  ownNotes({ quality }, media) {
    const notes = [];
    for (const [kind, device] of Object.entries(LEVELS)) {
      const reason = media.problems[kind];
      if (reason !== null) notes.push(this.words(`own_${device}_${reason}`));
    }
    if (!media.wanted.audio) notes.push(this.words("own_muted"));
    else if (quality?.ownSilent) notes.push(this.words("own_silent"));
    return notes;
  }

  showQuality({ state, quality, verdict }) {
    const element = this.part.quality;
    element.hidden = state !== "live" || verdict === null;
    const advice = element.hidden ? "" : verdict.advice;
    this.part.advice.hidden = !advice;
    this.text("advice", advice && this.words(`advice_${advice}`));
    if (element.hidden) return;
    element.dataset.grade = verdict.grade;
    this.text("grade", this.words(`quality_${verdict.grade}`));
    if (element.open) this.showFigures(quality);
  }

  showFigures({ received, sent, rttMs, relayed }) {
    const loss = (way) => this.words("figures_lost", { percent: Math.round(100 * way.loss) });
    const way = (way) =>
      [way.size, way.size && this.words("figures_fps", { fps: way.fps }), `${way.kbps} kbit/s`, loss(way)]
        .filter(Boolean)
        .join(" · ");
    this.text("figures-received", way(received));
    this.text("figures-sent", way(sent));
    this.text("figures-trip", rttMs === null ? "–" : `${rttMs} ms`);
    this.text("figures-path", this.words(relayed ? "figures_relay" : "figures_direct"));
  }

  clock({ state, liveSince }) {
    const element = this.part.clock;
    element.hidden = liveSince === null || state === "ended";
    if (!element.hidden) element.textContent = minutes((performance.now() - liveSince) / 1000);
  }

  label(part, word) {
    this.text(part, this.words(word));
  }

  text(part, text) {
    if (this.part[part].textContent !== text) this.part[part].textContent = text;
  }

  // Only touched when it differs, so that a screen reader says each note once.
  list(part, notes) {
    const element = this.part[part];
    if (notes.join("\n") === Array.from(element.children, (child) => child.textContent).join("\n")) return;
    element.replaceChildren(
      ...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note, className: "note warn" })),
    );
  }
}

export function minutes(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
