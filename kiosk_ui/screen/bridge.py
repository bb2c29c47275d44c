"""Brings the view to QML: one object with a few properties, and the hand-over from the sockets' thread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from PySide6.QtCore import Property, QObject, Qt, Signal

from kiosk_ui.screen.follower import Follower
from kiosk_ui.screen.geometry import fills
from kiosk_ui.screen.palette import PALETTES
from kiosk_ui.screen.qr import qr_picture
from kiosk_ui.screen.shown import ScreenView
from messaging.clock import Clock
from messaging.local import AgentView, CallView


class Bridge(QObject):
    """What Main.qml sees as `screen`. Lives in Qt's thread; only `take` may be called from another."""

    viewChanged = Signal()  # noqa: N815 - Qt's spelling
    shapesChanged = Signal()  # noqa: N815
    _taken = Signal(object)

    def __init__(self, follower: Follower, clock: Clock) -> None:
        super().__init__()
        self._follower = follower
        self._clock = clock
        self._view = follower.view(clock.monotonic(), clock.wall())
        self._data = as_qml(self._view)
        self._crop_remote = False
        self._own_aspect = 4 / 3
        self._taken.connect(self._on_taken, Qt.ConnectionType.QueuedConnection)

    def take(self, view: CallView | AgentView | None) -> None:
        """Any thread: a process's newest view, or None when station-call went away."""
        self._taken.emit(view)

    def refresh(self) -> ScreenView:
        """Work out the view for now; QML hears of it only when it differs."""
        view = self._follower.view(self._clock.monotonic(), self._clock.wall())
        if view != self._view:
            self._view = view
            self._data = as_qml(view)
            self.viewChanged.emit()
        return view

    def remote_shape(self, picture: tuple[int, int], frame: tuple[float, float]) -> None:
        """The other side's picture has this size, in a frame of that size."""
        self._shape(fills(picture, frame), self._own_aspect)

    def own_shape(self, picture: tuple[int, int]) -> None:
        """The own picture has this size."""
        self._shape(self._crop_remote, picture[0] / picture[1])

    def _on_taken(self, view: CallView | AgentView | None) -> None:
        now = self._clock.monotonic()
        if view is None:
            self._follower.call_gone(now)
        elif isinstance(view, CallView):
            self._follower.call_said(view, now)
        else:
            self._follower.agent_said(view)
        self.refresh()

    def _shape(self, crop_remote: bool, own_aspect: float) -> None:
        if (crop_remote, own_aspect) != (self._crop_remote, self._own_aspect):
            self._crop_remote, self._own_aspect = crop_remote, own_aspect
            self.shapesChanged.emit()

    # PySide's stubs describe neither the type named by a text nor `notify`.
    view = Property("QVariantMap", lambda self: self._data, notify=viewChanged)  # type: ignore[call-arg, arg-type]
    cropRemote = Property(bool, lambda self: self._crop_remote, notify=shapesChanged)  # type: ignore[call-arg, arg-type]  # noqa: N815
    ownAspect = Property(float, lambda self: self._own_aspect, notify=shapesChanged)  # type: ignore[call-arg, arg-type]  # noqa: N815


def as_qml(view: ScreenView) -> dict[str, Any]:
    """The view with its colours, in QML's spelling."""
    data = {_camel(key): value for key, value in asdict(view).items()}
    data["qr"] = qr_picture(view.claim) if view.claim else ""
    data["colours"] = {_camel(key): value for key, value in asdict(PALETTES[view.tone]).items()}
    return data


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
