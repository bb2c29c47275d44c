"""Published figures as a reader takes them in."""

from __future__ import annotations

from region.evaluation.publishing import UNDER, Milliseconds, Seconds, Share
from region.web.words import Translator


class Shown:
    """Figures in the words of one language."""

    def __init__(self, t: Translator) -> None:
        self._t = t

    def share(self, share: Share) -> str:
        """In per cent; a bound in words."""
        if isinstance(share, float):
            return self._t("evaluation.share", percent=round(100 * share))
        if share == UNDER:
            return share
        bound, number = share[:2], round(100 * float(share[2:]))
        return self._t("evaluation.share.least" if bound == ">=" else "evaluation.share.most", percent=number)

    def milliseconds(self, milliseconds: Milliseconds) -> str:
        """Seconds and tenths."""
        if isinstance(milliseconds, str):
            return milliseconds
        tenths = f"{milliseconds / 1000:.1f}".replace(".", self._t("evaluation.decimal_mark"))
        return self._t("evaluation.seconds", seconds=tenths)

    def seconds(self, seconds: Seconds) -> str:
        """Minutes and seconds."""
        if isinstance(seconds, str):
            return seconds
        minutes, rest = divmod(seconds, 60)
        if minutes == 0:
            return self._t("evaluation.seconds", seconds=rest)
        return self._t("evaluation.minutes", minutes=minutes, seconds=rest)
