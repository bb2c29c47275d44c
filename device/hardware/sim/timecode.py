"""A time code painted into a picture, that survives encoding, scaling and a browser.

The code is a strip along the bottom edge: the full width, the lowest 1/20 of the height. It is cut into 40 cells of
equal width, left to right; cell k covers x from k/40 to (k+1)/40 of the width. A white cell is a 1, a black one a 0:

    cells  0 to 31   the Unix time in milliseconds, modulo 2^32, most significant bit first
    cells 32 to 39   CRC-8 of those four bytes, most significant byte first: polynomial 0x07, initial value 0xFF,
                     not reflected, no final xor. 0x12345678 gives 0xCD; neither all black nor all white is valid.

To read: the mean luma of the middle half of each cell (x from k/40 + 1/160 to k/40 + 3/160 of the width; y from
77/80 to 79/80 of the height). A cell is black below 1/3 of the range 16 to 235, white above 2/3, else the
strip is unreadable. A page reads and paints RGB, black 0 and white 255, and uses the same thirds of that range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 40
BLACK, WHITE = 16, 235
MODULUS = 1 << 32
_DARK = BLACK + (WHITE - BLACK) // 3
_BRIGHT = WHITE - (WHITE - BLACK) // 3


def paint(i420: NDArray[np.uint8], width: int, height: int, milliseconds: int) -> None:
    """Paint Unix `milliseconds` into a planar 4:2:0 picture (uint8, shape (height * 3 / 2, width)), in place."""
    top = height - strip_height(height)
    edges = cell_edges(width)
    row = np.repeat(np.where(bits(milliseconds), WHITE, BLACK).astype(np.uint8), np.diff(edges))
    i420[top:height] = row
    chroma = i420[height:].reshape(2, height // 2, width // 2)
    chroma[:, top // 2 :] = 128


def read(luma: NDArray[np.uint8]) -> int | None:
    """The milliseconds (modulo 2^32) in a luma plane (uint8, shape (height, width)), or None if it has no code."""
    height, width = luma.shape
    top, bottom = height * 77 // 80, max(height * 79 // 80, height * 77 // 80 + 1)
    columns = luma[top:bottom].mean(axis=0)
    starts = (np.arange(CELLS) * 4 + 1) * width // (CELLS * 4)
    ends = np.maximum((np.arange(CELLS) * 4 + 3) * width // (CELLS * 4), starts + 1)
    if ends[-1] > width:
        return None
    sums = np.concatenate(([0.0], np.cumsum(columns)))
    means = (sums[ends] - sums[starts]) / (ends - starts)
    if np.any((means > _DARK) & (means < _BRIGHT)):
        return None
    number = int("".join("1" if white else "0" for white in means >= _BRIGHT), 2)
    milliseconds, check = number >> 8, number & 0xFF
    return milliseconds if check == crc8(milliseconds) else None


def age(milliseconds: int, now: float) -> float:
    """Seconds between a code that was read and `now` (Unix seconds); right as long as it is within 24 days."""
    behind = (round(now * 1000) - milliseconds) % MODULUS
    return (behind if behind < MODULUS // 2 else behind - MODULUS) / 1000


def bits(milliseconds: int) -> NDArray[np.bool_]:
    """The 40 cells of a time, True for white."""
    milliseconds %= MODULUS
    raw = milliseconds.to_bytes(4, "big") + bytes([crc8(milliseconds)])
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8)).astype(np.bool_)


def crc8(milliseconds: int) -> int:
    """The check of the four bytes, most significant first."""
    check = 0xFF
    for byte in (milliseconds % MODULUS).to_bytes(4, "big"):
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ 0x07 if check & 0x80 else check << 1) & 0xFF
    return check


def strip_height(height: int) -> int:
    """Rows of the strip, an even number so that it covers whole rows of chroma."""
    return max(2, height // 40 * 2)


def cell_edges(width: int) -> NDArray[np.int64]:
    """The 41 x positions at which cells begin and end."""
    return np.arange(CELLS + 1) * width // CELLS
