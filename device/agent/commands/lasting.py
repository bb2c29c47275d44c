"""What holds on after its order has been carried out: the station out of use, and words on its screen.

The lock stands on the disk: a thief may pull the plug. The words do not, for they may be about somebody: they stand in
the runtime directory, so they outlive this process and not the machine's power.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from messaging.clock import Clock
from messaging.codec import Length, Range
from messaging.errors import MessageError
from messaging.local import AT_HOME, LOCK, CallView
from provisioning.station.documents import document, read_document
from provisioning.station.files import remove, write_whole

_log = logging.getLogger(__name__)
MESSAGE = "message.json"


@dataclass(frozen=True)
class _Posted:
    """`until` is on the monotonic clock, which goes on while the machine does."""

    text: Annotated[str, Length(120)]
    seconds: Annotated[float, Range(0, 86_400)]
    until: Annotated[float, Range(0, 1e12)]


def forget(runtime_dir: Path) -> None:
    """A station that is retired says nothing more to who comes after; what cannot be removed is logged."""
    try:
        (runtime_dir / MESSAGE).unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", runtime_dir / MESSAGE, error)


class Lasting:
    """`show` tells the neighbours; they take from `locked` and `message` what is so now."""

    def __init__(self, state_dir: Path, runtime_dir: Path, clock: Clock, show: Callable[[], None]) -> None:
        self._mark = state_dir / LOCK
        self._path = runtime_dir / MESSAGE
        self._clock = clock
        self._show = show
        self._call: CallView | None = None
        self._posted = self._load()
        self.locked = self._mark.exists()

    @property
    def message(self) -> str:
        """What the resident is to read, '' for nothing."""
        posted = self._posted
        if posted is None or 0 < posted.until - self._clock.monotonic() <= posted.seconds:
            return posted.text if posted is not None else ""
        self._take_away()
        return ""

    def lock(self, locked: bool) -> None:
        """Out of use, or in use again; OSError if that cannot be kept."""
        if locked:
            write_whole(self._mark, b"put out of use by the region\n")
        else:
            remove(self._mark)
        self.locked = locked
        self._show()

    def post(self, text: str, seconds: float) -> None:
        """These words from now on, for so long; OSError if they cannot be kept."""
        posted = _Posted(text, seconds, self._clock.monotonic() + seconds)
        write_whole(self._path, document(posted))
        self._posted = posted
        self._show()

    def heard(self, call: CallView) -> None:
        """station-call said how it is: a press while the words could be read has shown that somebody stood there."""
        if pressed_at_home(self._call, call) and self._posted is not None:
            self._take_away()
        self._call = call

    def _take_away(self) -> None:
        self._posted = None
        forget(self._path.parent)

    def _load(self) -> _Posted | None:
        try:
            return read_document(self._path, _Posted)
        except (OSError, MessageError) as error:
            _log.warning("%s cannot be used, and shows nothing: %s", self._path, error)
            return None


def pressed_at_home(before: CallView | None, after: CallView) -> bool:
    """Whether the button was pressed while the screen showed its resting page: in a call the words are not seen."""
    if before is None or before.boot != after.boot or before.identifying:
        return False
    return before.state in AT_HOME and after.presses > before.presses
