"""What else a simulated camera may see, by name: a room with somebody far away, and skin from close by."""

from __future__ import annotations

import math

import numpy as np

from device.hardware.sim.canvas import Canvas, Colour
from device.hardware.sim.scene import DARK, HAIR, JUMPER, SKIN, Plane, Scene, Sprite

_TROUSERS: Colour = (60, 140, 122)
_WOUND: Colour = (88, 112, 176)
_PALE: Colour = (196, 112, 148)
_PAPER: Colour = (228, 128, 128)
_WALK_HZ, _STEP_HZ, _SHAKE_HZ = 0.04, 1.6, 1.1


class FarScene(Scene):
    """A whole room: somebody walks from side to side, about a third of the picture high, and back in 25 s."""

    def figure(self, wall: float) -> tuple[float, float, float, float]:
        """Where the person is at Unix seconds `wall`: left, top, right, bottom, as shares of width and height."""
        x, y = self._corner(wall)
        rows, columns = self._sprites[0].planes[0].shape
        return x / self.width, y / self.height, (x + columns) / self.width, (y + rows) / self.height

    def _backdrop(self) -> Canvas:
        canvas = self._room()
        w, h = self.width, self.height
        canvas.box(w * 0.06, h * 0.60, w * 0.30, h * 0.88, (120, 122, 140))  # a bed
        canvas.box(w * 0.06, h * 0.56, w * 0.12, h * 0.66, _PAPER)
        return canvas

    def _draw_sprites(self) -> tuple[Sprite, ...]:
        return (self._sprite(_draw_person, 96, 250),)

    def _move(self, picture: Plane, wall: float) -> None:
        self._blit(picture, self._sprites[0], *self._corner(wall))

    def _corner(self, wall: float) -> tuple[float, float]:
        rows, columns = self._sprites[0].planes[0].shape
        across = (1 + math.sin(2 * math.pi * _WALK_HZ * wall)) / 2
        bob = abs(math.sin(2 * math.pi * _STEP_HZ * wall)) * 4 * self._unit
        return (self.width - columns) * (0.08 + 0.84 * across), self.height * 0.93 - rows - bob


class CloseScene(Scene):
    """Skin with a wound beside a paper scale, in a hand that is not quite still: its fine lines ask for sharpness."""

    def _backdrop(self) -> Canvas:
        canvas = Canvas(self.width, self.height, 1.0)
        w, h = self.width, self.height
        canvas.box(0, 0, w, h, SKIN)
        canvas.ellipse(w * 0.5, h * 0.5, w * 0.75, h * 0.8, _PALE)
        creases = np.random.default_rng(11)
        for y in creases.uniform(0, h, 40):
            canvas.box(0, y, w, y + max(1.0, h / 700), (158, 110, 152))
        return canvas

    def _draw_sprites(self) -> tuple[Sprite, ...]:
        return (self._sprite(_draw_wound, 320, 240), self._sprite(_draw_scale, 480, 60))

    def _move(self, picture: Plane, wall: float) -> None:
        shake = 6 * self._unit * math.sin(2 * math.pi * _SHAKE_HZ * wall)
        middle, u = self.width / 2, self._unit
        self._blit(picture, self._sprites[0], middle - 160 * u + shake, 200 * u + shake / 2)
        self._blit(picture, self._sprites[1], middle - 240 * u + shake, 490 * u + shake / 2)


SCENES: dict[str, type[Scene]] = {"scene": Scene, "scene-far": FarScene, "scene-close": CloseScene}


def _draw_person(canvas: Canvas) -> None:
    canvas.box(28, 150, 45, 250, _TROUSERS)
    canvas.box(51, 150, 68, 250, _TROUSERS)
    canvas.ellipse(48, 110, 46, 62, JUMPER)
    canvas.ellipse(48, 28, 25, 28, HAIR)
    canvas.ellipse(48, 34, 20, 26, SKIN)
    for eye in (40, 56):
        canvas.ellipse(eye, 30, 3, 2, DARK)


def _draw_wound(canvas: Canvas) -> None:
    canvas.ellipse(160, 120, 158, 118, (150, 112, 164))
    for x, y, across, down in ((150, 120, 92, 60), (205, 100, 48, 40), (110, 145, 42, 34)):
        canvas.ellipse(x, y, across, down, _WOUND)
    for x, y in ((130, 110), (170, 135), (200, 96), (150, 90)):
        canvas.ellipse(x, y, 7, 5, (60, 118, 168))


def _draw_scale(canvas: Canvas) -> None:
    canvas.box(0, 0, 480, 60, _PAPER)
    for tick in range(61):  # millimetres: eight units each, every tenth longer
        canvas.box(tick * 8, 0, tick * 8 + 2, 36 if tick % 10 == 0 else 18, DARK)
