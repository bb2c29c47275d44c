"""The play-out buffer: from packets of sound that come when they come to a speaker that asks every 10 ms.

`packets` keeps them in order, `delay` learns how long they must wait, `voice` decodes, repairs and conceals, `stretch`
and `stretching` make sound longer or shorter by whole periods of it, and `buffer` puts it together.
"""

from device.media.playout.buffer import Playout
from device.media.playout.figures import SoundFigures

__all__ = ["Playout", "SoundFigures"]
