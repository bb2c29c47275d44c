"""What stands before the simulated lens: nothing, the night, or a hand."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Lens = Literal["clear", "dark", "covered"]
Plane = NDArray[np.uint8]

_BLACK, _GREY = 16, 128
_NOISE_BYTES = 1 << 16  # of noise made once, and laid over a picture from another place each time
_noise = np.random.default_rng(5)
_GRAIN = _noise.normal(0, 3.0, _NOISE_BYTES).round().astype(np.int16)


def through(lens: Lens, picture: Plane) -> Plane:
    """What a sensor gives of `picture` (planar 4:2:0, uint8 of shape (height * 3 / 2, width)): a new one, unless clear.

    `dark`: a room at night, a twentieth of the light and the noise of a sensor that does its utmost; shapes can
    still be told. `covered`: almost black, and nothing in it but a little noise.
    """
    if lens == "clear":
        return picture
    height = picture.shape[0] * 2 // 3
    luma, chroma = picture[:height], picture[height:]
    seen = np.empty_like(picture)
    if lens == "dark":
        seen[:height] = _noisy((luma.astype(np.int16) - _BLACK) // 16 + _BLACK + 4, 1)
        seen[height:] = (chroma.astype(np.int16) - _GREY) // 8 + _GREY
    else:
        seen[:height] = _noisy(np.full(luma.shape, _BLACK + 3, np.int16), 3)
        seen[height:] = _GREY
    return seen


def _noisy(luma: NDArray[np.int16], less: int) -> Plane:
    grain = np.resize(np.roll(_GRAIN, int(_noise.integers(_NOISE_BYTES))), luma.size).reshape(luma.shape)
    noisy: Plane = np.clip(luma + grain // less, _BLACK, 235).astype(np.uint8)
    return noisy
