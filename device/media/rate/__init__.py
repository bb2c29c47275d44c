"""How much the station sends: a pure controller from the line's feedback to a budget, the ladder of picture sizes, and
what of it the scene is worth (`sharpness`).

Nothing here does I/O or looks at a clock: feedback goes in with its time, `Budget` comes out.
"""

from device.media.rate.budget import Budget, least

__all__ = ["Budget", "least"]
