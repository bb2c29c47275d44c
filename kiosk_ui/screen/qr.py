"""QR codes as pictures (ISO/IEC 18004), for the screen."""

from __future__ import annotations

from functools import lru_cache

import segno

_SCALE = 8  # pixels a module: sharp on the largest screen


@lru_cache(maxsize=4)
def qr_picture(text: str) -> str:
    """The code of this text with its quiet zone, black on white: a PNG as a data: address."""
    return str(segno.make_qr(text, error="m").png_data_uri(scale=_SCALE, border=4))
