"""The digits of the scene's clock: a bitmap font of 5 by 7 dots."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7

_ROWS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00010 00100 01000 11111",
    "3": "11111 00010 00100 00010 00001 10001 01110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
    ":": "00000 00100 00100 00000 00100 00100 00000",
}


@cache
def glyph(letter: str) -> NDArray[np.bool_]:
    """One glyph, shape (7, 5)."""
    return np.array([[dot == "1" for dot in row] for row in _ROWS[letter].split()], dtype=np.bool_)


def render(text: str, scale: int) -> NDArray[np.bool_]:
    """A line of digits and colons, each dot `scale` pixels square, one dot between glyphs."""
    gap = np.zeros((GLYPH_HEIGHT, 1), dtype=np.bool_)
    parts = [part for letter in text for part in (glyph(letter), gap)][:-1]
    return np.kron(np.hstack(parts), np.ones((scale, scale), dtype=np.bool_))
