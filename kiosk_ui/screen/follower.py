"""What the screen remembers between two messages. No I/O: each method is told the time on the monotonic clock."""

from __future__ import annotations

from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.local import AgentView, CallView
from messaging.twin import Language

_PICTURE_STATES = frozenset({"calling", "connecting", "in_call"})


class Follower:
    """Takes what the two processes say and what pictures come, and gives the view for a moment.

    What station-agent said holds until it says something else, as its config does. What station-call said ends with it.
    """

    def __init__(self, fallback: Language, monotonic: float) -> None:
        self._fallback = fallback
        self._call: CallView | None = None
        self._agent: AgentView | None = None
        self._away_since = monotonic
        self._refused_at: float | None = None
        self._remote_at: float | None = None
        self._own_at: float | None = None

    def call_said(self, view: CallView, monotonic: float) -> None:
        """station-call's newest view."""
        before = self._call
        if before is not None and before.boot == view.boot and view.presses_refused > before.presses_refused:
            self._refused_at = monotonic
        if before is None or (before.boot, before.call) != (view.boot, view.call):
            self._remote_at = None
        self._call = view

    def call_gone(self, monotonic: float) -> None:
        """station-call cannot be heard."""
        if self._call is not None:
            self._away_since = monotonic
        self._call = None
        self._remote_at = None

    def agent_said(self, view: AgentView) -> None:
        """station-agent's newest view."""
        self._agent = view

    def remote_picture(self, monotonic: float) -> bool:
        """A new picture of the other side came; whether it may be shown (never one that outlived its call)."""
        if self._call is None or self._call.state != "in_call":
            return False
        self._remote_at = monotonic
        return True

    def own_picture(self, monotonic: float) -> None:
        """A new own picture came: the camera is open."""
        self._own_at = monotonic

    def pictures_due(self) -> bool:
        """Whether pictures are expected, and so worth looking for at the full rate."""
        return self._call is not None and self._call.state in _PICTURE_STATES

    def view(self, monotonic: float, now: float) -> ScreenView:
        """What to show at this moment; `now` is Unix seconds."""
        noticed = Noticed(
            now=now,
            away_for=monotonic - self._away_since if self._call is None else 0.0,
            remote_age=_age(self._remote_at, monotonic),
            own_age=_age(self._own_at, monotonic),
            refused_ago=_age(self._refused_at, monotonic),
            language=self._fallback,
        )
        return screen_view(self._call, self._agent, noticed)


def language_of(environment: str) -> Language | None:
    """The language that a LANG such as `da_DK.UTF-8` names, or None if it is neither of ours."""
    code = environment.lower().partition(".")[0].partition("_")[0]
    if code in ("da", "en"):
        return "da" if code == "da" else "en"
    return None


def _age(since: float | None, monotonic: float) -> float | None:
    return None if since is None else max(0.0, monotonic - since)
