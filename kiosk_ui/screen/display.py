"""Finds the display and Qt before Qt does: Qt aborts the process where we want one clear sentence."""

from __future__ import annotations

import ctypes
import importlib
import socket
from collections.abc import Mapping
from pathlib import Path

from kiosk_ui.screen.errors import DisplayMissing, QtMissing

PACKAGES = (
    "libgl1 libgl1-mesa-dri libegl1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 "
    "libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libpulse0 libdbus-1-3 libfontconfig1 fonts-noto-core"
)
_PLUGINS = {"xcb": "libqxcb.so", "wayland": "libqwayland-generic.so"}
_NO_DISPLAY = (
    "there is no display: start the screen in a Wayland session (on a Pi: `cage -- station screen`) or in X11, "
    "with WAYLAND_DISPLAY or DISPLAY set (without any display: `xvfb-run station screen`)"
)


def choose_platform(environment: Mapping[str, str]) -> str:
    """Qt's platform plugin here: what QT_QPA_PLATFORM says, else Wayland, else X11; or DisplayMissing."""
    chosen = environment.get("QT_QPA_PLATFORM", "")
    if chosen:
        return chosen
    if environment.get("WAYLAND_DISPLAY"):
        return _reachable("wayland", _wayland_socket(environment), environment["WAYLAND_DISPLAY"])
    if environment.get("DISPLAY"):
        return _reachable("xcb", _x11_socket(environment["DISPLAY"]), environment["DISPLAY"])
    raise DisplayMissing(_NO_DISPLAY)


def require_qt(platform: str) -> None:
    """Load what the screen needs of Qt, or raise QtMissing naming what to install."""
    try:
        for module in ("QtCore", "QtGui", "QtQml", "QtQuick", "QtMultimedia"):
            importlib.import_module(f"PySide6.{module}")
        plugin = _PLUGINS.get(platform)
        if plugin is not None:
            from PySide6.QtCore import QLibraryInfo

            plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
            ctypes.CDLL(str(plugins / "platforms" / plugin))
    except ModuleNotFoundError as error:
        raise QtMissing(f"{error}: install the station's Python packages (requirements/station.lock)") from error
    except (ImportError, OSError) as error:
        raise QtMissing(f"Qt cannot be loaded ({error}): sudo apt-get install {PACKAGES}") from error


def _reachable(platform: str, address: str | None, named: str) -> str:
    if address is None:
        return platform
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        for candidate in (address, f"\0{address}"):
            try:
                probe.connect(candidate)
            except OSError:
                continue
            return platform
    raise DisplayMissing(f'the display "{named}" does not answer; {_NO_DISPLAY}')


def _wayland_socket(environment: Mapping[str, str]) -> str:
    return str(Path(environment.get("XDG_RUNTIME_DIR", "/run")) / environment["WAYLAND_DISPLAY"])


def _x11_socket(display: str) -> str | None:
    host, _, rest = display.rpartition(":")
    return f"/tmp/.X11-unix/X{rest.partition('.')[0]}" if host in ("", "unix") else None  # noqa: S108 - X11's own place
