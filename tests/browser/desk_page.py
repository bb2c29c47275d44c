"""The call desk in a real Chromium, by what a clinician sees, hears and clicks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
FAKE_DEVICES = "--use-fake-device-for-media-stream"
GRANT, DENY = "--use-fake-ui-for-media-stream", "--deny-permission-prompts"
PATIENCE_MS = 20_000  # generous: the machine may be busy
expect.set_options(timeout=PATIENCE_MS)  # playwright's own is 5 s

# The energy of what #remote plays: the loudest of many short looks, until it is heard or time is up.
_LISTEN = """
async (seconds) => {
  const context = new AudioContext();
  await context.resume();
  const source = context.createMediaStreamSource(document.querySelector("#remote").srcObject);
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const until = performance.now() + seconds * 1000;
  let loudest = 0;
  while (performance.now() < until && loudest < 0.01) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length));
  }
  await context.close();
  return loudest;
}
"""
# The page forbids eval, so waiting is done in one evaluation instead of by playwright's polling.
_SEE = """
async ([more, patience]) => {
  const shown = () => document.querySelector("#remote").getVideoPlaybackQuality().totalVideoFrames;
  const wanted = shown() + more;
  const until = performance.now() + patience;
  while (shown() < wanted) {
    if (performance.now() > until) throw new Error(`${wanted - shown()} of ${more} pictures did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
"""


class Desk:
    """One page of the call desk."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    @property
    def call(self) -> Locator:
        """The pane of the call."""
        return self.page.locator("#call")

    def button(self, name: str) -> Locator:
        """The button of exactly that accessible name."""
        return self.page.get_by_role("button", name=name, exact=True)

    async def open(self, link: str) -> None:
        """Sign in by a one-time link; it leads to the desk."""
        await self.page.goto(link)
        await expect(self.page).to_have_url(re.compile(r"/desk$"))
        await self.connected()

    async def connected(self) -> None:
        """The page has its event stream."""
        await expect(self.page.locator("#desk")).to_have_attribute("data-link", "up", timeout=PATIENCE_MS)

    async def state(self, name: str, timeout_ms: float = PATIENCE_MS) -> None:
        """The call's pane shows that state."""
        await expect(self.call).to_have_attribute("data-state", name, timeout=timeout_ms)

    async def says(self, text: str | re.Pattern[str], timeout_ms: float = PATIENCE_MS) -> None:
        """Words that the clinician can see."""
        await expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=timeout_ms)

    async def sees(self, frames: int) -> None:
        """So many more pictures of the station are shown."""
        await self.page.evaluate(_SEE, [frames, PATIENCE_MS])

    async def hears(self, seconds: float = 10.0) -> float:
        """The energy of what the station sends, RMS of full scale."""
        return float(await self.page.evaluate(_LISTEN, seconds))

    async def vanish(self) -> None:
        """The browser's process is gone, without a word."""
        session = await self.page.context.new_cdp_session(self.page)
        self.page.on("crash", lambda _: None)
        await session.send("Page.crash")


@asynccontextmanager
async def chromium(*more: str, devices: bool = True) -> AsyncIterator[Browser]:
    """A Chromium with a new profile, with or without devices; `more` are flags, GRANT or DENY among them."""
    flags = [*FLAGS, *([FAKE_DEVICES] if devices else ()), *more]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


async def desk_of(browser: Browser, **more: Any) -> Desk:
    """The desk in a window of its own, as another person would have it."""
    context: BrowserContext = await browser.new_context(viewport={"width": 1280, "height": 900}, **more)
    return Desk(await context.new_page())
