"""How much the station sends: a pure controller from the line's feedback to a budget, and the ladder of picture sizes.

Nothing here does I/O or looks at a clock: feedback goes in with its time, `Budget` comes out.
"""

from device.media.rate.budget import Budget, least

__all__ = ["Budget", "least"]
