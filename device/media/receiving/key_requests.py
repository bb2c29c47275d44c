"""When to ask the sender for a key frame (RFC 4585 PLI). Pure: what is known and the time in, yes or no out."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 0.5  # a stream begins with a key frame by itself, and a line needs time to bring one
AGAIN_S = 1.0  # more often would fill a thin line with key frames and nothing else
COMING_S = 2.0  # for one of which the first packets are here: thin lines bring it slowly
STILL_S = 1.0  # packets come and no picture does
SILENT_S = 1.5  # others are heard and no packet of a picture comes


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of the pictures that come. Times in seconds by one clock, None: never."""

    needs_key: bool  # nothing can be decoded without one
    hurt: bool  # ... because something was lost or could not be decoded, not because the stream only begins
    key_coming: bool  # packets of one have come since we asked last
    packet_at: float | None  # the last packet of a picture
    picture_at: float | None  # the last picture decoded
    heard_at: float | None  # the last sign of life of the other side, whatever it was
    wanted: bool  # the other side has not said that its camera is off


class KeyRequests:
    """Asks at once when something was lost for good, and again until a picture comes; never twice in FIRST_S."""

    def __init__(self) -> None:
        self._since: float | None = None  # when the reason came up
        self._asked_at: float | None = None
        self._asks = 0  # for this reason
        self.count = 0

    def look(self, sight: Sight, now: float) -> bool:
        """Whether to ask now; to be called with packets and a few times a second."""
        if sight.packet_at is None:
            return False
        urgent = sight.hurt or self._stands_still(sight, now) or _is_silent(sight, now)
        if not urgent and not sight.needs_key:
            self._since, self._asks = None, 0
            return False
        if self._since is None:
            self._since = now
        waits_from, wait = self._wait(sight, urgent)
        if now - waits_from < wait:
            return False
        self._asked_at, self._asks, self.count = now, self._asks + 1, self.count + 1
        return True

    def _wait(self, sight: Sight, urgent: bool) -> tuple[float, float]:
        """From when, and how long."""
        if self._asked_at is None or (not self._asks and not urgent):
            return self._since or 0.0, 0.0 if urgent else FIRST_S
        if sight.key_coming:
            return self._asked_at, COMING_S
        return self._asked_at, FIRST_S if self._asks < 2 else AGAIN_S

    def _stands_still(self, sight: Sight, now: float) -> bool:
        if sight.picture_at is None or sight.packet_at is None or sight.packet_at <= sight.picture_at:
            return False
        return now - sight.packet_at < STILL_S <= now - sight.picture_at


def _is_silent(sight: Sight, now: float) -> bool:
    if not sight.wanted or sight.packet_at is None or sight.heard_at is None:
        return False
    return now - sight.packet_at >= SILENT_S and now - sight.heard_at < STILL_S
