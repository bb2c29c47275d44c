"""How a line's bits are shared: sound first, then the headers of every packet, and the pictures get what is left.

All rates are bits a second. A line's rate counts what goes over it; the shares count payload.
"""

from __future__ import annotations

MIN_VIDEO = 70_000  # with sound and headers a line of 110 kbit/s; below this, sound alone is the better call
LEAST_VIDEO = 50_000  # and so much only until a queue has drained
HEADERS = 50 * 8  # bits a packet: IPv4 20, UDP 8, RTP 12, SRTP's tag 10 bytes
SOUND_PACKETS = 50  # a second
_PICTURE_PACKET = 1200 * 8  # bits of payload
_HALF_FILLED = 0.5  # of a packet a picture, on average
_SOUND = ((0, 12_000), (180_000, 20_000), (280_000, 24_000), (400_000, 32_000))
MOST_SOUND = _SOUND[-1][1]
REPAIRED_SOUND = 20_000  # below this, libopus puts no repairs into its packets (at the complexity that we run it)
_MOST_REPAIRED = 0.1  # what is lost beyond that is not sent again, it would only lengthen the queue


def sound(line: int) -> int:
    """What Opus gets of a line: 12 kbit/s is still plain speech, 20 can be repaired, 32 wants for nothing."""
    return max(rate for least, rate in _SOUND if least <= line)


def pictures(line: int, fps: int, loss: float) -> int:
    """What the encoder gets of a line that loses so many packets (0 to 1): each lost one is sent again."""
    room = (line - sound(line) - SOUND_PACKETS * HEADERS) / (1 + min(loss, _MOST_REPAIRED))
    return int((room - fps * _HALF_FILLED * HEADERS) / (1 + HEADERS / _PICTURE_PACKET))


def line(video: int, fps: int) -> int:
    """What a line must carry for so many bits of pictures, with sound at its best, when nothing is lost."""
    headers = fps * _HALF_FILLED * HEADERS + SOUND_PACKETS * HEADERS
    return int(video * (1 + HEADERS / _PICTURE_PACKET) + headers) + MOST_SOUND
