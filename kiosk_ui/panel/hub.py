"""What goes out to the panel's pages: state, pictures of the screen, and sound, each as fast as its page takes it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kiosk_ui.panel.state import level_db
from messaging.clock import Clock
from messaging.sound import SoundRingReader

T = TypeVar("T")

_TICK_S = 0.04
_LEVEL_TICKS = 3
_MOST_CHUNKS = 25  # a second of sound: a page that is further behind has lost it
_KEEP_ALIVE_S = 15.0


class Hub:
    """Remembers the newest of each kind of event and hands it to every page; sound goes to those who listen."""

    def __init__(self, mirror: Path | None, speaker_ring: Path, clock: Clock) -> None:
        self._mirror = mirror
        self._sound = SoundRingReader(speaker_ring)
        self._clock = clock
        self._newest: dict[str, str] = {}
        self._pages: set[_Page] = set()
        self._listeners: set[_Listener] = set()
        self._closed = False
        self._heard: list[bytes] = []

    def tell(self, name: str, data: Any) -> None:
        """An event for every page; the newest of its name stays for those who come later."""
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        if self._newest.get(name) == text:
            return
        self._newest[name] = text
        for page in self._pages:
            page.put(name, text)

    async def run(self) -> None:
        """Look for new pictures and new sound until cancelled; nothing is looked for while nobody watches."""
        try:
            tick = 0
            while True:
                if self._pages or self._listeners:
                    self._look_for_sound()
                    if tick % _LEVEL_TICKS == 0:
                        self._tell_level()
                        self.tell("screen", self.screen_version())
                    tick += 1
                await self._clock.sleep(_TICK_S)
        finally:
            self._sound.close()

    def screen_version(self) -> int:
        """A number that changes with the screen's picture; 0 while there is none."""
        try:
            return self._mirror.stat().st_mtime_ns if self._mirror is not None else 0
        except FileNotFoundError:
            return 0

    def screen(self) -> bytes | None:
        """The newest picture of the screen, a JPEG."""
        try:
            return self._mirror.read_bytes() if self._mirror is not None else None
        except FileNotFoundError:
            return None

    async def events(self) -> AsyncIterator[bytes]:
        """One page's stream of server-sent events, beginning with the newest of each kind."""
        page = _Page(dict(self._newest))
        with _joined(self._pages, page):
            while not self._closed:
                waiting = asyncio.ensure_future(page.waiting.wait())
                resting = asyncio.ensure_future(self._clock.sleep(_KEEP_ALIVE_S))
                try:
                    await asyncio.wait((waiting, resting), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                    resting.cancel()
                yield page.take() or b": still here\n\n"

    async def sound(self) -> AsyncIterator[bytes]:
        """One listener's sound: signed 16 bits little endian, mono, 48 kHz, as the speaker plays it."""
        listener = _Listener()
        with _joined(self._listeners, listener):
            while not self._closed:
                await listener.waiting.wait()
                if chunk := listener.take():
                    yield chunk

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for page in self._pages:
            page.waiting.set()
        for listener in self._listeners:
            listener.waiting.set()

    def _look_for_sound(self) -> None:
        chunk = self._sound.read()
        if chunk:
            self._heard.append(chunk)
            for listener in self._listeners:
                listener.put(chunk)

    def _tell_level(self) -> None:
        self.tell("level", round(level_db(b"".join(self._heard))))
        self._heard.clear()


class _Page:
    """What one page has not been told yet: at most one event of each name."""

    def __init__(self, pending: dict[str, str]) -> None:
        self._pending = pending
        self.waiting = asyncio.Event()
        if pending:
            self.waiting.set()

    def put(self, name: str, text: str) -> None:
        self._pending[name] = text
        self.waiting.set()

    def take(self) -> bytes:
        rows = [f"event: {name}\ndata: {text}\n\n" for name, text in self._pending.items()]
        self._pending.clear()
        self.waiting.clear()
        return "".join(rows).encode()


class _Listener:
    """The sound one listener has not been sent yet."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=_MOST_CHUNKS)
        self.waiting = asyncio.Event()

    def put(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self.waiting.set()

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        self.waiting.clear()
        return taken


@contextmanager
def _joined(group: set[T], member: T) -> Iterator[None]:
    group.add(member)
    try:
        yield
    finally:
        group.discard(member)
