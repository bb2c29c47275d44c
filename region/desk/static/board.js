// Who is waiting, and the clinic's stations. Rows are kept and changed, never redrawn: a click must not miss its button.

import { minutes } from "./pane.js";

const CLOCK = new Intl.DateTimeFormat(document.documentElement.lang === "da" ? "da-DK" : "en-GB", {
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
});

const FEW = 8; // stations that are found by looking

export class Board {
  constructor({ root, words, onAnswer, onCall }) {
    Object.assign(this, { root, words, onAnswer, onCall });
    this.waiting = new Rows(root.querySelector("#waiting"), root.querySelector("#waiting-row"));
    this.stations = new Rows(root.querySelector("#stations"), root.querySelector("#station-row"));
    this.recent = new Rows(root.querySelector("#recent"), root.querySelector("#recent-row"));
    this.find = root.querySelector("#find input");
    this.find.addEventListener("input", () => this.draw());
    this.calls = [];
    this.busy = false;
    setInterval(() => this.count(), 1000);
  }

  show(board) {
    const now = performance.now();
    this.calls = board.waiting.map((call) => ({ ...call, since: now - call.waited_s * 1000 }));
    this.board = board;
    this.draw();
  }

  // While this clinician is in a call no other can be begun.
  setBusy(busy) {
    if (this.busy === busy) return;
    this.busy = busy;
    this.draw();
  }

  draw() {
    if (!this.board) return;
    this.waiting.show(this.calls, "call", (row, call) => this.drawWaiting(row, call));
    const found = this.found();
    this.stations.show(found, "station", (row, station) => this.drawStation(row, station));
    this.recent.show(this.board.recent, "call", (row, call) => this.drawRecent(row, call));
    this.root.querySelector("#no-recent").hidden = this.board.recent.length > 0;
    this.root.querySelector("#nobody").hidden = this.calls.length > 0;
    this.root.querySelector("#no-stations").hidden = this.board.stations.length > 0;
    this.root.querySelector("#none-found").hidden = found.length > 0 || this.board.stations.length === 0;
    this.root.querySelector("#find").hidden = this.board.stations.length <= FEW;
    this.count();
  }

  // The stations with every word that somebody has written, in room or site.
  found() {
    const words = this.find.value.toLocaleLowerCase().split(/\s+/);
    return this.board.stations.filter(({ name, site }) => {
      const told = `${name} ${site}`.toLocaleLowerCase();
      return words.every((word) => told.includes(word));
    });
  }

  drawWaiting(row, call) {
    set(row, "name", call.name);
    set(row, "site", call.site);
    set(row, "reason", this.words(`reason_${call.reason}`));
    set(row, "lacks", this.lacks(call.lacks));
    const button = part(row, "answer");
    button.disabled = this.busy;
    button.onclick = () => this.onAnswer(call.call);
    // With one button its word is its name; with several each says whom it answers.
    if (this.calls.length > 1) button.setAttribute("aria-label", this.words("answer_whom", call));
    else button.removeAttribute("aria-label");
  }

  drawStation(row, station) {
    set(row, "name", station.name);
    set(row, "site", station.site);
    set(row, "lacks", this.lacks(station.lacks));
    const state = station.busy ?? station.ready;
    const tag = part(row, "state");
    tag.dataset.state = state;
    set(row, "state", this.words(`station_${state}`, { by: station.with }));
    const button = part(row, "call");
    button.disabled = this.busy || state !== "ready";
    button.onclick = () => this.onCall(station.station);
    if (this.board.stations.length > 1) button.setAttribute("aria-label", this.words("call_whom", station));
    else button.removeAttribute("aria-label");
  }

  drawRecent(row, call) {
    set(row, "name", call.name);
    set(row, "site", call.site);
    const outcome = call.missed ? "missed" : call.connected ? "talked" : "not_reached";
    part(row, "outcome").dataset.outcome = outcome;
    set(row, "outcome", this.words(`recent_${outcome}`, { by: call.with }));
    const at = new Date(call.at * 1000);
    part(row, "at").dateTime = at.toISOString();
    set(row, "at", CLOCK.format(at));
  }

  lacks(devices) {
    return devices.map((device) => this.words(`no_${device}`)).join(", ");
  }

  count() {
    for (const call of this.calls) {
      const row = this.waiting.get(call.call);
      if (row) set(row, "waited", minutes((performance.now() - call.since) / 1000));
    }
  }
}

class Rows {
  constructor(list, template) {
    Object.assign(this, { list, template });
    this.rows = new Map();
  }

  get(key) {
    return this.rows.get(key);
  }

  show(items, key, draw) {
    const wanted = new Set(items.map((item) => item[key]));
    for (const [name, row] of this.rows) {
      if (!wanted.has(name)) {
        row.remove();
        this.rows.delete(name);
      }
    }
    items.forEach((item, i) => {
      let row = this.rows.get(item[key]);
      if (!row) {
        row = this.template.content.firstElementChild.cloneNode(true);
        row.dataset.id = item[key];
        this.rows.set(item[key], row);
      }
      draw(row, item);
      if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i] ?? null);
    });
  }
}

function part(row, name) {
  return row.querySelector(`[data-part="${name}"]`);
}

function set(row, name, text) {
  const element = part(row, name);
  if (element.textContent !== text) element.textContent = text;
}
