// The desk's line to the region: what it says comes as server-sent events, what we ask goes by POST.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4000; // somebody may be waiting: the desks of a region are too few to overrun it
const EVENTS = ["board", "call", "offer", "no_call"];

export class Refused extends Error {
  // `code` is the region's stable word, or "unreachable" when it did not answer. `by` is who was first.
  constructor(code, by = "") {
    super(code);
    this.code = code;
    this.by = by;
  }
}

export class Signalling {
  // `onEvent(name, data)`; `onLink(up)`; `runningCall()` gives the id of the call this page is in the middle of, or "".
  constructor({ root, csrf, page, onEvent, onLink, runningCall }) {
    Object.assign(this, { root, csrf, page, onEvent, onLink, runningCall });
    this.wait = FIRST_WAIT_MS;
    this.posting = Promise.resolve();
  }

  open() {
    this.close();
    const query = new URLSearchParams({ page: this.page, call: this.runningCall() });
    this.source = new EventSource(`${this.root}/events?${query}`);
    for (const name of EVENTS) {
      this.source.addEventListener(name, (event) => {
        this.wait = FIRST_WAIT_MS;
        this.onLink(true);
        this.onEvent(name, JSON.parse(event.data));
      });
    }
    this.source.addEventListener("resync", () => this.open());
    this.source.addEventListener("signed_out", () => window.location.reload());
    this.source.onerror = () => this.lost();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
  }

  // A browser's own EventSource gives up for good on an HTTP error, and never backs off.
  lost() {
    this.close();
    this.onLink(false);
    this.timer = setTimeout(() => this.open(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  // One POST; gives the JSON answer or throws Refused.
  async post(path, body = {}) {
    let response;
    try {
      response = await fetch(`${this.root}/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrf },
        body: JSON.stringify({ page: this.page, ...body }),
        signal: AbortSignal.timeout(10000),
      });
    } catch {
      throw new Refused("unreachable");
    }
    const data = await response.json().catch(() => ({}));
    if (response.status === 401) window.location.reload();
    if (!response.ok) throw new Refused(data.code ?? "unreachable", data.by);
    return data;
  }

  // POSTs whose order matters (an answer before its candidates), one after the other.
  inOrder(path, body) {
    const next = this.posting.then(() => this.post(path, body));
    this.posting = next.catch(() => {});
    return next;
  }
}

// This tab's name: it survives a reload, and a duplicated tab gets another.
export async function pageName() {
  const kept = sessionStorage.getItem("desk-page");
  if (kept && (await lock(kept))) return kept;
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("desk-page", fresh);
  await lock(fresh);
  return fresh;
}

// Held until the tab goes; false if another tab holds it.
function lock(name) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(`desk-page-${name}`, { ifAvailable: true }, (held) => {
      resolve(Boolean(held));
      return held ? new Promise(() => {}) : undefined;
    });
  });
}
