"""A picture as a JPEG file, in memory."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from device.hardware.ports import Frame
from device.media.errors import CodecFailed

QUALITY = 92  # of 100: finer than an eye can tell on skin, a third of the size of the finest


def as_jpeg(frame: Frame, quality: int = QUALITY) -> NDArray[np.uint8]:
    """The bytes of the file, which the caller may overwrite; CodecFailed."""
    try:
        done, data = cv2.imencode(
            ".jpg", cv2.cvtColor(frame.i420, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
    except cv2.error as error:
        raise CodecFailed(f"no JPEG could be made: {error}") from error
    if not done:
        raise CodecFailed("no JPEG could be made")
    return np.asarray(data, np.uint8).reshape(-1)
