"""What moves in a room: for people whose faces are not seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from device.media.viewing.framing import Box

WIDTH, HEIGHT = 160, 90  # of the luma that is watched
_REMEMBERED = 150  # pictures: half a minute at five a second; a chair that was moved is furniture again after it
_THRESHOLD = 24.0
_LEAST, _MOST = 0.01, 0.5  # share of the picture: less is a curtain, more is the light that was switched on
_SPECK = 12  # pixels of a patch that is too small to be part of anybody


class MotionFinder:
    """Learns the room and tells what is not part of it. Fed a few pictures a second."""

    def __init__(self) -> None:
        self._room = cv2.createBackgroundSubtractorMOG2(_REMEMBERED, _THRESHOLD, False)
        self._new = True

    def find(self, luma: NDArray[np.uint8]) -> Box | None:
        """Where something moves in a picture of shape (HEIGHT, WIDTH); None where nothing does."""
        mask = self._room.apply(cv2.GaussianBlur(luma, (5, 5), 0))
        if self._new:  # everything is new in the first picture
            self._new = False
            return None
        count, _, patches, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, np.ones((5, 5), np.uint8)))
        found = np.asarray(patches)[1:count]
        found = found[found[:, cv2.CC_STAT_AREA] >= _SPECK]
        share = found[:, cv2.CC_STAT_AREA].sum() / (WIDTH * HEIGHT)
        if not _LEAST <= share <= _MOST:
            return None
        left, top = float(np.min(found[:, cv2.CC_STAT_LEFT])), float(np.min(found[:, cv2.CC_STAT_TOP]))
        right = float(np.max(found[:, cv2.CC_STAT_LEFT] + found[:, cv2.CC_STAT_WIDTH]))
        bottom = float(np.max(found[:, cv2.CC_STAT_TOP] + found[:, cv2.CC_STAT_HEIGHT]))
        return Box(left / WIDTH, top / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT)
