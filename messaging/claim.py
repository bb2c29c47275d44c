"""Door B: how a station without a code asks to be claimed, and what its screen shows so that IT can tell it apart.

The region file lies on the boot partition, holds no secret, and is the same on every card::

    [region]
    url = "https://region.example:8402"       # RFC 7030 shaped enrolment
    ca_sha256 = "…64 hex digits…"              # the region's root, pinned
    broker = "region.example:8403"             # MQTT over TLS

The station makes its key and a code of its own (as door A's, 80 bits), and asks again and again::

    POST …/claim   <- ClaimRequest    its certificate request, which proves that it has the key; the code's SHA-256
                   -> ClaimAnswer     waiting, approved (with the name the region has for it), refused

Once approved it enrols by that code, which the region takes with this key alone.

The check code is six digits of (key, code, nonce). The region draws the nonce after it has been told the first two,
so nobody can choose a key whose check code is another station's.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from typing import Annotated, Literal

from messaging.codec import Length, Range, decode
from messaging.enrolment import EST_PATH, MAX_FILE, HostPort, Sha256, Url, split_address
from messaging.errors import MalformedMessage
from messaging.topics import STATION_ID

CLAIM_PATH = f"{EST_PATH}/claim"
REGION_FILE = "laegeknap-region.toml"  # its name on the boot partition
ClaimState = Literal["waiting", "approved", "refused"]
SERIAL = re.compile(r"[a-z0-9][a-z0-9.:-]{3,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[0-9a-f]{32}")
_PLAIN = re.compile(r"[!#-\[\]-~]+")  # printable ASCII that needs no escape in TOML


@dataclass(frozen=True)
class RegionFile:
    """The contents of a region file."""

    url: Url
    ca_sha256: Sha256
    broker: HostPort

    def __post_init__(self) -> None:
        if not self.url.startswith("https://") or not _PLAIN.fullmatch(self.url):
            raise MalformedMessage("RegionFile.url: expected an https:// address")
        if not _SHA256.fullmatch(self.ca_sha256):
            raise MalformedMessage("RegionFile.ca_sha256: expected 64 hex digits")
        if not _PLAIN.fullmatch(self.broker):
            raise MalformedMessage("RegionFile.broker: expected host:port")
        split_address(self.broker)


@dataclass(frozen=True)
class ClaimRequest:
    """`request` is PKCS #10, base64 DER; `serial` the computer's serial number, empty where it has none to tell."""

    request: Annotated[str, Length(6144)]
    code_sha256: Sha256
    serial: Annotated[str, Length(64)] = ""

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.code_sha256):
            raise MalformedMessage("ClaimRequest.code_sha256: expected 64 hex digits")
        if self.serial and not SERIAL.fullmatch(self.serial):
            raise MalformedMessage("ClaimRequest.serial: expected a serial number")


@dataclass(frozen=True)
class ClaimAnswer:
    """`page` is where people see the claims; `retry_s` when to ask again; `station` its name, once approved."""

    state: ClaimState
    nonce: Annotated[str, Length(32)]
    page: Url
    retry_s: Annotated[int, Range(1, 86_400)]
    station: Annotated[str, Length(40)] = ""

    def __post_init__(self) -> None:
        if not _NONCE.fullmatch(self.nonce):
            raise MalformedMessage("ClaimAnswer.nonce: expected 32 hex digits")
        if not self.page.startswith(("https://", "http://")) or not _PLAIN.fullmatch(self.page):
            raise MalformedMessage("ClaimAnswer.page: expected an address")
        if self.state == "approved" and not STATION_ID.fullmatch(self.station):
            raise MalformedMessage("ClaimAnswer.station: not a station id")


def check_code(key_sha256: str, code_sha256: str, nonce: str) -> str:
    """Six digits that both ends come to, and nobody chose."""
    digest = hashlib.sha256(f"laegeknap claim\n{key_sha256}\n{code_sha256}\n{nonce}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


def claim_link(page: str, key_sha256: str, check: str) -> str:
    """What the QR holds: the page of this claim, by the key's SHA-256, with the check code as the station has it."""
    return f"{page}/{key_sha256}?check={check}"


def serial_told(text: str) -> str:
    """A computer's serial number as it is told: without spaces, in lower case; empty where that is none."""
    serial = "".join(text.replace("\0", "").split()).lower()
    return serial if SERIAL.fullmatch(serial) else ""


def read_region_file(text: str) -> RegionFile:
    """Parse a region file's TOML text, or raise MalformedMessage."""
    if len(text) > MAX_FILE:
        raise MalformedMessage("region file: too long")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MalformedMessage("region file: not TOML") from error
    return decode(RegionFile, document.get("region"))


def write_region_file(content: RegionFile) -> str:
    """A region file's TOML text (every field is held to characters that need no escaping)."""
    rows = ((name, getattr(content, name)) for name in ("url", "ca_sha256", "broker"))
    return "[region]\n" + "".join(f'{name} = "{value}"\n' for name, value in rows)
