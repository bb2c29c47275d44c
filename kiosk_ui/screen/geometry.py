"""Sizes: the window's, and how a picture is fitted into its frame."""

from __future__ import annotations

import re

from kiosk_ui.screen.errors import BadSize

_SIZE = re.compile(r"([1-9]\d{2,3})x([1-9]\d{2,3})")
_MOST_CROPPED = 0.2  # of the picture: more would cut off heads


def parse_size(text: str) -> tuple[int, int] | None:
    """`1280x800` as (width, height); None for `fullscreen`; BadSize for anything else."""
    if text == "fullscreen":
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise BadSize(f'screen.size = "{text}": write "fullscreen", or a width and a height such as "1280x800"')
    return int(match[1]), int(match[2])


def fills(picture: tuple[int, int], frame: tuple[float, float]) -> bool:
    """Whether a picture may fill its frame by losing its edges; else it is shown whole. Never is it stretched."""
    if min(*picture, *frame) <= 0:
        return False
    ratio = (picture[0] / picture[1]) / (frame[0] / frame[1])
    return 1 - min(ratio, 1 / ratio) <= _MOST_CROPPED
