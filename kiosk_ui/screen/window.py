"""The window, its timers, and the threads between the processes and the picture on the display."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QCursor
from PySide6.QtMultimedia import QVideoSink
from PySide6.QtQuick import QQuickView

from kiosk_ui.screen.bridge import Bridge
from kiosk_ui.screen.errors import QmlBroken
from kiosk_ui.screen.follower import Follower
from kiosk_ui.screen.heartbeat import Heartbeat
from kiosk_ui.screen.mirror import Mirror
from kiosk_ui.screen.pictures import PictureFeed
from messaging.clock import Clock
from messaging.frames import RingReader
from messaging.local import OWN_RING, REMOTE_RING

_log = logging.getLogger(__name__)
QML = Path(__file__).parent / "qml" / "Main.qml"
_REFRESH_MS = 250
_PICTURES_MS = 15  # two looks a frame at 30 a second
_RESTING_MS = 500
_OWN_ALONE = 4  # looks without a picture of the other side until the own one is shown alone
_BEAT_MS = 1000
_MIRROR_MS = 250


class ScreenWindow:
    """The resident's screen. `tell` hears once a second how many frames have been drawn, while they are."""

    def __init__(self, runtime_dir: Path, follower: Follower, clock: Clock, tell: Callable[[int], None]) -> None:
        self._follower = follower
        self._clock = clock
        self.bridge = Bridge(follower, clock)
        self.view = _load(self.bridge)
        self._remote = PictureFeed(RingReader(runtime_dir / REMOTE_RING), self._sink("remoteSink"))
        self._own = PictureFeed(RingReader(runtime_dir / OWN_RING), self._sink("ownSink"))
        self._looks = 0
        self._heart = Heartbeat(self.view.update, tell)
        self.view.frameSwapped.connect(self._heart.drawn)
        self._pictures = _timer(self.view, _RESTING_MS, self._look, precise=True)
        self._timers = [
            self._pictures,
            _timer(self.view, _REFRESH_MS, self._refresh),
            _timer(self.view, _BEAT_MS, self._heart.beat),
        ]

    def show(self, size: tuple[int, int] | None) -> None:
        """Show the window: full screen, or with this size."""
        if size is None:
            self.view.showFullScreen()
        else:
            self.view.resize(QSize(*size))
            self.view.show()
        for timer in self._timers:
            timer.start()

    def mirror_to(self, mirror: Mirror) -> None:
        """Write the window to the mirror a few times a second, when something has been drawn since."""
        seen = -1

        def reflect() -> None:
            nonlocal seen
            if self._heart.frames != seen:
                mirror.write(self.view.grabWindow())
                seen = self._heart.frames

        self._timers.append(_timer(self.view, _MIRROR_MS, reflect))

    def close(self) -> None:
        """Stop the timers and let go of the window and the rings; the object is of no more use."""
        for timer in self._timers:
            timer.stop()
        self._remote.close()
        self._own.close()
        self.view.close()
        self.view.deleteLater()  # now, before the application goes, and not whenever Python comes to it
        QCoreApplication.sendPostedEvents(self.view, QEvent.Type.DeferredDelete.value)

    def _refresh(self) -> None:
        view = self.bridge.refresh()
        due = self._follower.pictures_due()
        interval = _PICTURES_MS if due else _RESTING_MS
        if self._pictures.interval() != interval:  # setting it begins it anew
            self._pictures.setInterval(interval)
        if not due:
            self._remote.clear()
        if not view.own:
            self._own.clear()

    def _look(self) -> None:
        now = self._clock.monotonic()
        remote = self._remote.next(lambda: self._follower.remote_picture(now))
        if remote is not None:
            frame = self.view.rootObject().property("remoteFrame")
            self.bridge.remote_shape((remote.width, remote.height), (frame.width(), frame.height()))
        self._looks += 1
        # The own picture rides along with the other: drawing both at once is drawing half as often.
        if remote is not None or self._looks >= _OWN_ALONE:
            self._looks = 0
            self._look_at_own(now)

    def _look_at_own(self, now: float) -> None:
        own = self._own.next(lambda: True)
        if own is not None:
            self._follower.own_picture(now)
            self.bridge.own_shape((own.width, own.height))

    def _sink(self, name: str) -> QVideoSink:
        sink = self.view.rootObject().property(name)
        if not isinstance(sink, QVideoSink):
            raise QmlBroken(f"{QML.name}: no video sink {name}")
        return sink


def _load(bridge: Bridge) -> QQuickView:
    view = QQuickView()
    view.setTitle("Lægeknap")
    view.setFlag(Qt.WindowType.FramelessWindowHint)
    view.setCursor(QCursor(Qt.CursorShape.BlankCursor))
    view.setResizeMode(QQuickView.ResizeMode.SizeRootObjectToView)
    view.setInitialProperties({"screen": bridge})
    view.setSource(QUrl.fromLocalFile(str(QML)))
    if view.status() != QQuickView.Status.Ready:
        raise QmlBroken("; ".join(error.toString() for error in view.errors()))
    return view


def _timer(owner: QObject, interval: int, action: Callable[[], None], precise: bool = False) -> QTimer:
    timer = QTimer(owner)
    timer.setInterval(interval)
    if precise:
        timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(action)
    return timer
