"""The mirror: a JPEG of the window, for the front panel of a simulated station. Never on a real one."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage

_log = logging.getLogger(__name__)
_QUALITY = 80


class Mirror:
    """Writes the picture of the window to a file, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = QImage()
        self._failed = False

    def write(self, image: QImage) -> None:
        """Replace the file with this picture if it is another one. A disk that refuses is logged once; nothing else."""
        if image == self._last:
            return
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "JPEG", _QUALITY)  # type: ignore[call-overload]  # the stubs want bytes, Qt takes a text
        buffer.close()
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.write_bytes(data.data())
            part.replace(self._path)
        except OSError as error:
            if not self._failed:
                _log.error("the mirror cannot be written to %s: %s", self._path, error)
            self._failed = True
        else:
            self._failed = False
            self._last = image
