"""A dark room made visible: a gamma curve on the luma, as strong as the darkness asks for. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DARK = 70.0  # mean luma below which a picture is helped
GOAL = 95.0  # mean luma that helping aims at: a room in the evening, not a false day
STRONGEST = 0.45  # exponent; more would show nothing but the sensor's noise
_STEP = 0.05  # of the exponent: smaller changes are not made, larger ones in steps, so that nothing flickers
_BLACK, _WHITE = 16, 235


def exponent_for(mean_luma: float, present: float = 1.0) -> float:
    """The exponent for the next pictures, at most one step from the present one; 1 leaves a picture as it is."""
    if mean_luma >= DARK:
        wanted = 1.0
    else:
        level = max(0.01, (mean_luma - _BLACK) / (_WHITE - _BLACK))
        goal = (GOAL - _BLACK) / (_WHITE - _BLACK)
        wanted = max(STRONGEST, min(1.0, float(np.log(goal) / np.log(level))))
    if abs(wanted - present) < 2 * _STEP and wanted not in (1.0, STRONGEST):
        return present
    return round(present + max(-_STEP, min(_STEP, wanted - present)), 4)


def curve(exponent: float) -> NDArray[np.uint8]:
    """The 256 values that luma becomes; black, white and what lies outside video range stay."""
    values = np.arange(256, dtype=np.float64)
    inside = np.clip((values - _BLACK) / (_WHITE - _BLACK), 0.0, 1.0)
    lifted = _BLACK + (_WHITE - _BLACK) * inside**exponent
    return np.where((values > _BLACK) & (values < _WHITE), np.round(lifted), values).astype(np.uint8)
