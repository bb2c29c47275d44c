"""Boxes and ellipses in Y, U and V: all that the simulated scene is drawn with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # Y, U, V


class Canvas:
    """Three full-resolution planes and the mask of what has been drawn. Coordinates are multiplied by `unit`."""

    def __init__(self, width: int, height: int, unit: float) -> None:
        self.planes = [np.full((height, width), value, dtype=np.float32) for value in (16, 128, 128)]
        self.mask: NDArray[np.bool_] = np.zeros((height, width), dtype=np.bool_)
        self._unit = unit
        self._y, self._x = np.ogrid[:height, :width]

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        x0, y0, x1, y1 = (round(edge * self._unit) for edge in (left, top, right, bottom))
        for plane, value in zip(self.planes, colour, strict=True):
            plane[y0:y1, x0:x1] = value
        self.mask[y0:y1, x0:x1] = True

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """A filled ellipse around (x, y) with these half axes, darker towards its edge, as round things are."""
        dx = (self._x - x * self._unit) / (across * self._unit)
        dy = (self._y - y * self._unit) / (down * self._unit)
        distance = dx * dx + dy * dy
        inside = distance <= 1
        for number, (plane, value) in enumerate(zip(self.planes, colour, strict=True)):
            plane[inside] = (value - 24 * distance[inside]) if number == 0 else value
        self.mask |= inside
