"""How long to wait before the next try: full jitter, so that a thousand stations do not come back as one."""

from __future__ import annotations

import random as random_module


class FullJitter:
    """A delay drawn evenly from 0 to base * 2^tries, capped. Source: AWS, "Exponential Backoff and Jitter" (2015)."""

    def __init__(self, base_s: float = 1.0, cap_s: float = 60.0, random: random_module.Random | None = None) -> None:
        self._base = base_s
        self._cap = cap_s
        self._random = random or random_module.Random()  # noqa: S311 - spreads load, hides nothing
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait now; the next answer is drawn from a span twice as long."""
        span = min(self._cap, self._base * 2.0 ** min(self._tries, 32))
        self._tries += 1
        return self._random.uniform(0, span)

    def reset(self) -> None:
        """It worked: begin anew next time."""
        self._tries = 0
