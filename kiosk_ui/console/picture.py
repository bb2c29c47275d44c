"""A picture in half blocks: two pixels a character, the upper in its colour, the lower in its background."""

from __future__ import annotations

from rich.color import Color
from rich.style import Style
from rich.text import Text

from messaging.frames import Picture, plane_sizes

_UPPER_HALF = "▀"


def half_blocks(picture: Picture, columns: int, rows: int) -> Text:
    """The picture as large as it fits, not stretched: a character is one pixel wide and two high."""
    scale = max(picture.width / columns, picture.height / (2 * rows))
    wide = max(1, min(columns, int(picture.width / scale)))
    high = max(1, min(rows, int(picture.height / scale / 2)))
    colours = _Colours(picture)
    text = Text(no_wrap=True, end="")
    for row in range(high):
        if row:
            text.append("\n")
        upper, lower = (int((2 * row + half + 0.5) * picture.height / (2 * high)) for half in (0, 1))
        for column in range(wide):
            x = int((column + 0.5) * picture.width / wide)
            text.append(_UPPER_HALF, Style(color=colours.at(x, upper), bgcolor=colours.at(x, lower)))
    return text


class _Colours:
    """Colours of single pixels of a planar 4:2:0 picture; BT.601, limited range."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        luma, chroma, _ = plane_sizes(picture.width, picture.height)
        self._u, self._v = luma, luma + chroma

    def at(self, x: int, y: int) -> Color:
        picture = self._picture
        x, y = min(x, picture.width - 1), min(y, picture.height - 1)
        beside = min(y // 2, picture.height // 2 - 1) * (picture.width // 2) + min(x // 2, picture.width // 2 - 1)
        luma = 1.164 * (picture.planes[y * picture.width + x] - 16)
        u, v = picture.planes[self._u + beside] - 128, picture.planes[self._v + beside] - 128
        return Color.from_rgb(
            *(_byte(value) for value in (luma + 1.596 * v, luma - 0.392 * u - 0.813 * v, luma + 2.017 * u))
        )


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))
