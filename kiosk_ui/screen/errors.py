"""The error tree of the screen; drawn in `kiosk_ui/screen/__init__.py`."""

from __future__ import annotations


class ScreenError(Exception):
    """The screen cannot be shown. The text says why and what to do."""


class DisplayMissing(ScreenError):
    """There is no display to draw on."""


class QtMissing(ScreenError):
    """Qt, or a system library it needs, is not installed."""


class QmlBroken(ScreenError):
    """The screen's own QML cannot be loaded."""


class BadSize(ScreenError):
    """The size is neither `fullscreen` nor `<width>x<height>`."""


class BadPicture(ScreenError):
    """A picture in the ring that cannot be shown."""
