"""What a station's last calls were like, in plain words with units: for its page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.codec import decode
from messaging.quality import CallQuality, Grade, WayQuality, WorstQuality
from region.fleet.standing import Level
from region.registry.records import CallLooked
from region.web.words import Translator

_LEVELS: dict[Grade, Level] = {"good": "good", "fair": "warn", "poor": "bad"}


@dataclass(frozen=True)
class LookedLine:
    """One call. `began` is Unix seconds; all else is shown as it is, empty where there is nothing to say."""

    began: float
    level: Level
    grade: str
    resumed: str
    length: str
    connect: str
    sent: str
    sent_picture: str
    received: str
    received_picture: str
    received_faults: str
    trip: str
    path: str
    encoder: str
    worst: str


@dataclass(frozen=True)
class LookedTeller:
    """Tells of calls in one language."""

    t: Translator

    def line(self, call: CallLooked) -> LookedLine:
        """One call."""
        q = decode(CallQuality, call.data)
        minutes, seconds = divmod(round(q.seconds), 60)
        return LookedLine(
            began=call.started_at,
            level=_LEVELS[q.grade],
            grade=self.t(f"fleet.calls.grade.{q.grade}"),
            resumed=self.t("fleet.calls.resumed", count=q.resumes, seconds=round(q.lost_s)) if q.resumes else "",
            length=f"{minutes}:{seconds:02}",
            connect="" if q.connect_s is None else self.t("fleet.calls.connect", seconds=self._decimal(q.connect_s)),
            sent=self._way(q.out),
            sent_picture=_picture(q.out),
            received=self._way(q.into),
            received_picture=_picture(q.into),
            received_faults=self._faults(q),
            trip="–" if q.rtt_ms is None else f"{round(q.rtt_ms)} ms",
            path=self.t(f"fleet.calls.path.{q.path}") if q.path else "–",
            encoder=" · ".join(filter(None, (q.codec, q.encoder if q.encoder != "other" else ""))),
            worst=self._worst(q.worst),
        )

    def _way(self, way: WayQuality) -> str:
        kbps = round(way.sound_kbps + way.picture_kbps)
        return self.t("fleet.calls.way", kbps=kbps, loss=self._decimal(100 * way.loss))

    def _faults(self, q: CallQuality) -> str:
        missing = q.sound.concealed_ms + q.sound.unheard_ms
        found = []
        if q.into.freezes:
            stood = self._decimal(q.into.freeze_s)
            found.append(self.t("fleet.calls.froze", count=q.into.freezes, seconds=stood))
        if missing:
            found.append(self.t("fleet.calls.missing", seconds=self._decimal(missing / 1000)))
        return ", ".join(found)

    def _worst(self, worst: WorstQuality | None) -> str:
        if worst is None:
            return "–"
        if worst.lost_s:
            return self.t("fleet.calls.worst.lost", seconds=round(worst.lost_s))
        loss = self._decimal(100 * max(worst.out_loss, worst.in_loss))
        fps = round(min(worst.out_fps, worst.in_fps))
        return self.t("fleet.calls.worst.told", loss=loss, rtt=round(worst.rtt_ms or 0), fps=fps)

    def _decimal(self, number: float) -> str:
        return f"{number:.1f}".replace(".", self.t("fleet.decimal_mark"))


def _picture(way: WayQuality) -> str:
    return f"{way.width}×{way.height}, {round(way.fps)}/s" if way.width else ""
