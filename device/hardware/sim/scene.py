"""What the simulated camera sees: somebody in a room with a window, a clock, and a time code.

The still part is painted once. A frame copies it and paints what moves: the head, which sways, nods and
speaks; the clock; the time code along the bottom edge (`device.hardware.sim.timecode`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from device.hardware.sim import timecode
from device.hardware.sim.canvas import Canvas, Colour
from device.hardware.sim.glyphs import render

Plane = NDArray[np.uint8]

WALL: Colour = (150, 122, 134)
_FLOOR: Colour = (96, 118, 140)
_SKY: Colour = (205, 140, 116)
_FRAME: Colour = (225, 126, 130)
SKIN: Colour = (170, 108, 152)
HAIR: Colour = (200, 127, 129)
JUMPER: Colour = (90, 150, 108)
DARK: Colour = (45, 128, 130)
_PANEL: Colour = (28, 128, 128)
_DIGITS: Colour = (230, 128, 128)

LEAST_WIDTH, LEAST_HEIGHT = 160, 120
_SWAY_HZ, _NOD_HZ, _SPEECH_HZ = 0.31, 0.83, 3.7


@dataclass(frozen=True)
class Sprite:
    """A picture with a mask, at half resolution for the chroma; its sides are even."""

    planes: tuple[Plane, Plane, Plane]
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]


class Scene:
    """A scene of one size; `paint` gives its picture at a moment. This one: somebody sits before the station.

    Another scene draws another `_backdrop` and moves other sprites in `_move`.
    """

    def __init__(self, width: int, height: int) -> None:
        if width % 2 or height % 2 or width < LEAST_WIDTH or height < LEAST_HEIGHT:
            raise ValueError(f"{width}x{height}: the sides must be even, and at least {LEAST_WIDTH}x{LEAST_HEIGHT}")
        self.width, self.height = width, height
        self._unit = height / 720
        self._still = self._lit(self._backdrop())
        self._sprites = self._draw_sprites()
        self._clock_second = -1
        self._clock: Plane = np.zeros((0, 0), dtype=np.uint8)

    def paint(self, wall: float) -> Plane:
        """The picture at Unix seconds `wall`: a new planar 4:2:0 array, uint8 of shape (height * 3 / 2, width)."""
        picture = self._still.copy()
        self._move(picture, wall)
        self._paint_clock(picture, wall)
        timecode.paint(picture, self.width, self.height, int(wall * 1000))
        return picture

    def _draw_sprites(self) -> tuple[Sprite, ...]:
        return tuple(self._sprite(partial(self._draw_head, mouth), 240, 300) for mouth in (4, 12, 22))

    def _move(self, picture: Plane, wall: float) -> None:
        sway = math.sin(2 * math.pi * _SWAY_HZ * wall)
        nod = math.sin(2 * math.pi * _NOD_HZ * wall)
        mouth = abs(math.sin(2 * math.pi * _SPEECH_HZ * wall)) * len(self._sprites)
        head = self._sprites[min(int(mouth), len(self._sprites) - 1)]
        middle = self.width / 2
        self._blit(picture, head, middle + (40 * sway - 120) * self._unit, (120 + 8 * nod) * self._unit)

    def _paint_clock(self, picture: Plane, wall: float) -> None:
        second = math.floor(wall)
        if second != self._clock_second:
            text = time.strftime("%H:%M:%S", time.localtime(second))
            dots = render(text, max(1, round(8 * self._unit)))
            margin = max(2, round(16 * self._unit))
            self._clock = np.where(np.pad(dots, margin), _DIGITS[0], _PANEL[0]).astype(np.uint8)
            self._clock_second = second
        at = max(2, round(24 * self._unit))
        rows, columns = min(self._clock.shape[0], self.height - at), min(self._clock.shape[1], self.width - at)
        picture[at : at + rows, at : at + columns] = self._clock[:rows, :columns]

    def _blit(self, picture: Plane, sprite: Sprite, left: float, top: float) -> None:
        x, y = int(left) // 2 * 2, int(top) // 2 * 2
        for number, (plane, source) in enumerate(zip(self._planes(picture), sprite.planes, strict=True)):
            scale = 2 if number else 1
            area = plane[y // scale : y // scale + source.shape[0], x // scale : x // scale + source.shape[1]]
            rows, columns = area.shape
            np.copyto(area, source[:rows, :columns], where=sprite.masks[min(number, 1)][:rows, :columns])

    def _planes(self, picture: Plane) -> tuple[Plane, Plane, Plane]:
        chroma = picture[self.height :].reshape(2, self.height // 2, self.width // 2)
        return picture[: self.height], chroma[0], chroma[1]

    def _backdrop(self) -> Canvas:
        canvas = self._room()
        u, w = self._unit, self.width
        canvas.ellipse(w / 2, 630 * u, 205 * u, 240 * u, JUMPER)
        canvas.ellipse(w / 2, 400 * u, 76 * u, 50 * u, SKIN)
        return canvas

    def _room(self) -> Canvas:
        canvas = Canvas(self.width, self.height, 1.0)
        w, h = self.width, self.height
        canvas.box(0, 0, w, h, WALL)
        canvas.box(0, h * 0.86, w, h, _FLOOR)
        canvas.box(w * 0.70, h * 0.08, w * 0.95, h * 0.58, _FRAME)
        canvas.box(w * 0.715, h * 0.105, w * 0.935, h * 0.555, _SKY)
        canvas.box(w * 0.82, h * 0.105, w * 0.83, h * 0.555, _FRAME)
        return canvas

    def _lit(self, canvas: Canvas) -> Plane:
        w, h = self.width, self.height
        # Light falls off towards the corners, and a sensor has grain: flat areas would flatter every encoder.
        rows = np.linspace(-1, 1, h, dtype=np.float32)[:, None] ** 2
        columns = np.linspace(-1, 1, w, dtype=np.float32)[None, :] ** 2
        grain = np.random.default_rng(7).integers(-3, 4, (h, w), dtype=np.int8)
        luma = canvas.planes[0] - 22 * (rows + columns) + grain
        picture = np.empty((h * 3 // 2, w), dtype=np.uint8)
        picture[:h] = np.clip(luma, 16, 235)
        _, blue, red = self._planes(picture)
        blue[:], red[:] = canvas.planes[1][::2, ::2], canvas.planes[2][::2, ::2]
        return picture

    def _draw_head(self, mouth: int, canvas: Canvas) -> None:
        canvas.ellipse(120, 130, 112, 124, HAIR)
        canvas.ellipse(120, 160, 92, 122, SKIN)
        for eye in (84, 156):
            canvas.ellipse(eye, 140, 17, 10, _FRAME)
            canvas.ellipse(eye, 140, 8, 9, DARK)
        canvas.ellipse(120, 182, 10, 22, (158, 110, 152))
        canvas.ellipse(120, 232, 34, mouth, (92, 116, 170))

    def _sprite(self, draw: Callable[[Canvas], None], width: int, height: int) -> Sprite:
        sides = [max(2, round(side * self._unit / 2) * 2) for side in (width, height)]
        canvas = Canvas(sides[0], sides[1], self._unit)
        draw(canvas)
        y, u, v = (plane.astype(np.uint8) for plane in canvas.planes)
        return Sprite((y, u[::2, ::2].copy(), v[::2, ::2].copy()), (canvas.mask, canvas.mask[::2, ::2].copy()))
