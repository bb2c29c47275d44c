"""The code file: what a card carries so that its station can enrol itself, once.

A TOML file on the boot partition::

    [enrolment]
    url = "https://region.example:8402"       # RFC 7030 shaped enrolment
    ca_sha256 = "…64 hex digits…"              # the region's root, pinned
    code = "…16 Crockford base-32 letters…"    # single use, 80 bits
    station = "st-k3m9q2x7"                    # the name the region has for it
    broker = "region.example:8403"             # MQTT over TLS
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Annotated

from messaging.codec import Length, decode
from messaging.errors import MalformedMessage
from messaging.topics import STATION_ID

EST_LABEL = "stations"
EST_PATH = f"/.well-known/est/{EST_LABEL}"
CODE_FILE = "laegeknap-code.toml"  # its name on the boot partition
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: 16 letters hold 80 bits
CODE_LENGTH = 16
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}")
MAX_FILE = 4096
Url = Annotated[str, Length(512)]
HostPort = Annotated[str, Length(256)]
Sha256 = Annotated[str, Length(64)]  # in hex


@dataclass(frozen=True)
class CodeFile:
    """The contents of a code file. `code` is a secret: never logged, never shown."""

    url: Url
    ca_sha256: Sha256
    code: Annotated[str, Length(16)]
    station: Annotated[str, Length(40)]
    broker: HostPort

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise MalformedMessage("CodeFile.url: expected an https:// address")
        if not re.fullmatch(r"[0-9a-f]{64}", self.ca_sha256):
            raise MalformedMessage("CodeFile.ca_sha256: expected 64 hex digits")
        if not CODE.fullmatch(self.code):
            raise MalformedMessage("CodeFile.code: expected 16 letters of Crockford's base 32")
        if not STATION_ID.fullmatch(self.station):
            raise MalformedMessage("CodeFile.station: not a station id")
        split_address(self.broker)

    def __repr__(self) -> str:
        return f"CodeFile(url={self.url!r}, station={self.station!r}, code=…)"


@dataclass(frozen=True)
class EnrolmentRefusal:
    """The JSON body of a refused request: `code` is the authority's stable word (`wrong_code`, `code_used` ...)."""

    code: Annotated[str, Length(32)]


def split_address(address: str) -> tuple[str, int]:
    """`host:port` as (host, port), or MalformedMessage; IPv6 in brackets."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise MalformedMessage("expected host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def read_code_file(text: str) -> CodeFile:
    """Parse a code file's TOML text, or raise MalformedMessage."""
    if len(text) > MAX_FILE:
        raise MalformedMessage("code file: too long")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MalformedMessage("code file: not TOML") from error
    return decode(CodeFile, document.get("enrolment"))


def write_code_file(content: CodeFile) -> str:
    """A code file's TOML text (every field is held to characters that need no escaping)."""
    rows = ((name, getattr(content, name)) for name in ("url", "ca_sha256", "code", "station", "broker"))
    return "[enrolment]\n" + "".join(f'{name} = "{value}"\n' for name, value in rows)
