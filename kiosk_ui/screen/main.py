"""`station screen`: shows the screen until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from kiosk_ui.screen.display import choose_platform, require_qt
from kiosk_ui.screen.errors import ScreenError
from kiosk_ui.screen.follower import Follower, language_of
from kiosk_ui.screen.geometry import parse_size
from messaging.clock import SystemClock
from messaging.sd_notify import notify
from messaging.twin import Language

_log = logging.getLogger(__name__)
_FONTS = ["Noto Sans", "DejaVu Sans"]
_QUIET = "qt.multimedia.symbolsresolver*=false\nqt.multimedia.ffmpeg*=false"  # it looks for codecs we never use


def main(runtime_dir: Path, size: str, mirror: str) -> int:
    """Show the screen. `size` as in station.toml; `mirror` is a file to mirror it to, or empty.

    Returns 0 when told to stop, 2 when the screen cannot be shown (what to do has been said on stderr).
    """
    try:
        window = parse_size(size)
        platform = choose_platform(os.environ)
        require_qt(platform)
        return _show(runtime_dir, window, platform, mirror)
    except ScreenError as error:
        print(f"station screen: {error}", file=sys.stderr)
        return 2


def fallback_language(environment: Mapping[str, str]) -> Language:
    """The language until station-agent has told the station's own; Danish where the environment names neither."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        language = language_of(environment.get(name, ""))
        if language is not None:
            return language
    _log.warning("neither LC_ALL, LC_MESSAGES nor LANG names Danish or English: Danish until the agent tells")
    return "da"


def _show(runtime_dir: Path, size: tuple[int, int] | None, platform: str, mirror: str) -> int:
    os.environ["QT_QPA_PLATFORM"] = platform
    # One thread listens and draws: a frame cost as much with Qt's threaded loop, which drew more of them.
    os.environ.setdefault("QSG_RENDER_LOOP", "basic")
    from PySide6.QtCore import QLoggingCategory, Qt
    from PySide6.QtGui import QFont, QGuiApplication

    from kiosk_ui.screen.mirror import Mirror
    from kiosk_ui.screen.sockets import Sockets
    from kiosk_ui.screen.window import ScreenWindow

    QLoggingCategory.setFilterRules(_QUIET)
    app = QGuiApplication(["station-screen"])
    font = QFont()
    font.setFamilies(_FONTS)
    app.setFont(font)
    clock = SystemClock()
    follower = Follower(fallback_language(os.environ), clock.monotonic())

    def alive(frames: int) -> None:
        sockets.alive(frames)
        notify("WATCHDOG=1")

    window = ScreenWindow(runtime_dir, follower, clock, alive)
    # Asked by the agent or by systemd, the screen ends the same way.
    sockets = Sockets(runtime_dir, window.bridge.take, lambda: os.kill(os.getpid(), signal.SIGTERM), clock)
    window.view.frameSwapped.connect(lambda: notify("READY=1"), Qt.ConnectionType.SingleShotConnection)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.quit())
    if mirror:
        window.mirror_to(Mirror(Path(mirror)))
    sockets.start()
    window.show(size)
    try:
        app.exec()
        return 0
    finally:
        sockets.stop()
        window.close()
