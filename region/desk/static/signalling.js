// The desk's line to the region: what it says comes as server-sent events, what we ask goes by POST.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4000; // somebody may be waiting: the desks of a region are too few to overrun it
const POST_MS = 10000;
// While a call is lost: a line that is dead tells nobody, so what gets no answer for so long is begun anew.
const HURRIED_WAIT_MS = 500;
const HURRIED_POST_MS = 2500;
const FIRST_EVENT_MS = 2500; // a stream begins with the board
const NEXT_EVENT_MS = 8000; // and the station offers anew more often than that
const AGAIN_MS = 500;
const SIGNED_OUT_MS = 500;
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
    this.chain = new AbortController();
    this.hurried = false;
  }

  open() {
    this.close();
    this.watch(FIRST_EVENT_MS);
    const query = new URLSearchParams({ page: this.page, call: this.runningCall() });
    this.source = new EventSource(`${this.root}/events?${query}`);
    for (const name of EVENTS) {
      this.source.addEventListener(name, (event) => {
        this.wait = FIRST_WAIT_MS;
        this.watch(NEXT_EVENT_MS);
        this.onLink(true);
        this.onEvent(name, JSON.parse(event.data));
      });
    }
    this.source.addEventListener("resync", () => this.open());
    // Not at once: where this page's own button has signed out, its answer is on the way, and a reload would undo that.
    this.source.addEventListener("signed_out", () => setTimeout(() => window.location.reload(), SIGNED_OUT_MS));
    this.source.onerror = () => this.lost();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watching);
    this.source?.close();
  }

  // Somebody waits for a lost call: open the stream anew, and again whenever it is silent, for as long as `on`.
  hurry(on) {
    if (on === this.hurried) return;
    this.hurried = on;
    clearTimeout(this.watching);
    if (on) this.open();
  }

  watch(patienceMs) {
    clearTimeout(this.watching);
    if (this.hurried) this.watching = setTimeout(() => this.open(), patienceMs);
  }

  // A browser's own EventSource gives up for good on an HTTP error, and never backs off.
  lost() {
    this.close();
    this.onLink(false);
    const wait = this.hurried ? Math.min(this.wait, HURRIED_WAIT_MS) : this.wait;
    this.timer = setTimeout(() => this.open(), wait * (0.5 + Math.random()));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  // One POST; gives the JSON answer or throws Refused.
  async post(path, body = {}, unwanted = null) {
    const timeout = AbortSignal.timeout(this.hurried ? HURRIED_POST_MS : POST_MS);
    let response;
    try {
      response = await fetch(`${this.root}/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrf },
        body: JSON.stringify({ page: this.page, ...body }),
        signal: unwanted === null ? timeout : AbortSignal.any([timeout, unwanted]),
      });
    } catch {
      throw new Refused("unreachable");
    }
    const data = await response.json().catch(() => ({}));
    if (response.status === 401) window.location.reload();
    if (!response.ok) throw new Refused(data.code ?? "unreachable", data.by);
    return data;
  }

  // POSTs whose order matters (an answer before its candidates), one after the other, until the region answers.
  inOrder(path, body) {
    const { signal } = this.chain;
    const next = this.posting.then(() => this.insist(path, body, signal));
    this.posting = next.catch(() => {});
    return next;
  }

  // One POST, until the region answers or it is not wanted any more.
  async insist(path, body, unwanted = new AbortController().signal) {
    for (;;) {
      try {
        return await this.post(path, body, unwanted);
      } catch (error) {
        if (error.code !== "unreachable" || unwanted.aborted) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  // Nothing that is still to be posted in order is wanted any more.
  forget() {
    this.chain.abort();
    this.chain = new AbortController();
    this.posting = Promise.resolve();
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
