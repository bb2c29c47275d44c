"""What a station hands in when it is asked for diagnostics: an allow-list, as the health report is.

One JSON document, gzipped, bounded as it travels and as it unfolds. It holds no name, secret, picture or sound; lines
of the log are redacted before they are put in (`device.agent.diagnostics.redacting`).
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Annotated

from messaging.codec import Length, Range, decode, encode
from messaging.enrolment import EST_PATH
from messaging.envelope import ClockTrust, parse_json
from messaging.errors import MalformedMessage
from messaging.health import Health
from messaging.times import UnixTime
from messaging.twin import Config

DIAGNOSTICS_PATH = f"{EST_PATH}/diagnostics"  # and the command's id after it, POST, over mutual TLS
DIAGNOSTICS_TYPE = "application/gzip"
MOST_PACKED = 256 * 1024
MOST_UNPACKED = 2 * 1024 * 1024
MOST_LINES = 4000
LONGEST_LINE = 400
_GZIP = 16 + zlib.MAX_WBITS

_Word = Annotated[str, Length(64)]


@dataclass(frozen=True)
class Line:
    """One line of the journal. `at`: Unix seconds; `level` as in syslog, 0 to 7."""

    at: UnixTime
    unit: _Word
    level: Annotated[int, Range(0, 7)]
    text: Annotated[str, Length(LONGEST_LINE)]


@dataclass(frozen=True)
class Ordered:
    """A command that the station remembers, without what it said."""

    cid: _Word
    type: _Word
    state: _Word
    reason: _Word


@dataclass(frozen=True)
class Bundle:
    """What the station knows of itself. `refused` is per field of the config; `left_out` lines had no room."""

    station: Annotated[str, Length(40)]
    made_at: UnixTime
    clock: ClockTrust
    boot: _Word
    health: Health
    figures: Annotated[dict[str, float], Length(32)]
    config_version: Annotated[int, Range(0, 2**53)]
    config: Config
    refused: Annotated[dict[str, str], Length(64)] = field(default_factory=dict)
    commands: Annotated[tuple[Ordered, ...], Length(64)] = ()
    lines: Annotated[tuple[Line, ...], Length(MOST_LINES)] = ()
    left_out: Annotated[int, Range(0, 2**31)] = 0


def pack(bundle: Bundle) -> bytes:
    """As it travels, and as it is kept."""
    text = json.dumps(encode(bundle), ensure_ascii=False, separators=(",", ":")).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return packer.compress(text) + packer.flush()


def unpack(packed: bytes) -> Bundle:
    """What was packed; MalformedMessage for anything else, and for what unfolds to more than it may."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(packed, MOST_UNPACKED + 1)
    except zlib.error as error:
        raise MalformedMessage("diagnostics: not gzip") from error
    if len(text) > MOST_UNPACKED or not unpacker.eof or unpacker.unused_data:
        raise MalformedMessage("diagnostics: too long, cut off, or followed by something else")
    return decode(Bundle, parse_json(text, MOST_UNPACKED))
