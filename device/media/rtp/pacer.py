"""How fast pictures may leave: a bucket that fills at the budget's pace and holds what one picture usually takes."""

from __future__ import annotations

STEP_S = 0.005  # who waits, waits for so much, not for one packet
_BURST_FRAMES = 2.0  # pictures of the usual size that may leave at once
_LEAST_BURST = 2_500  # bytes: two packets go together on any line


class Pacer:
    """Times are seconds of one clock that only goes forward."""

    def __init__(self, pace_bps: int, frame_bytes: float, now: float) -> None:
        self._filled = now
        self.set_pace(pace_bps, frame_bytes)
        self._credit = self._burst

    def set_pace(self, pace_bps: int, frame_bytes: float) -> None:
        """From now on so many bits a second; a picture usually has so many bytes."""
        self._bytes_s = max(1.0, pace_bps / 8)
        self._burst = max(_LEAST_BURST, _BURST_FRAMES * frame_bytes)

    def may_send(self, now: float) -> bool:
        """Whether a packet may leave."""
        self._credit = min(self._burst, self._credit + (now - self._filled) * self._bytes_s)
        self._filled = now
        return self._credit > 0

    def sent(self, size: int) -> None:
        """So many bytes have left; repairs count too."""
        self._credit -= size

    def wait(self) -> float:
        """Seconds until it is worth trying again, after `may_send` has refused."""
        return max(STEP_S, -self._credit / self._bytes_s + STEP_S)

    def queue_s(self, waiting: int) -> float:
        """How long so many waiting bytes will take to leave."""
        return max(0.0, waiting - max(0.0, self._credit)) / self._bytes_s
