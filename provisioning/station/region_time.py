"""What time it is, by the region's authority: asked for by a station whose own clock may show anything.

The region that is asked is the one this station is enrolled with; before that, the one that its code file or its region
file names. The TLS below is not verified, for that would take a clock: the answer is held to the pinned roots and to
the question's nonce instead (`messaging.moment`), and nothing of this station's is in the question.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography import x509

from messaging.claim import read_region_file
from messaging.clock import Clock
from messaging.enrolment import EST_PATH, MAX_FILE, read_code_file
from messaging.errors import MessageError
from messaging.moment import TIME_PATH, read_moment
from provisioning.station import region_client
from provisioning.station.egress import DIRECT, Egress
from provisioning.station.errors import RegionNotTrusted
from provisioning.station.keystore import Keystore

_PATH = TIME_PATH.removeprefix(EST_PATH)
T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """It was `at` (Unix seconds) when the monotonic clock stood at `monotonic`, give or take `within_s` seconds."""

    at: float
    monotonic: float
    within_s: float


class _Pinned(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def ca_sha256(self) -> str: ...


class RegionTime:
    """Asks whichever region this station knows."""

    def __init__(
        self, keystore: Keystore, code_file: Path, region_file: Path, clock: Clock, out: Egress = DIRECT
    ) -> None:
        self._keystore = keystore
        self._out = out
        self._code_file = code_file
        self._region_file = region_file
        self._clock = clock

    async def ask(self) -> Told | None:
        """The time; None when this station knows no region. EnrolmentFailed or StateUnusable: it was not told."""
        identity = self._keystore.identity()
        if identity is not None:
            return await ask_time(identity.url, self._keystore.roots(), self._clock, self._out)
        pinned: _Pinned | None = _read(self._code_file, read_code_file) or _read(self._region_file, read_region_file)
        if pinned is None:
            return None
        trust = await region_client.fetch_trust(pinned.url, pinned.ca_sha256, self._out)
        return await ask_time(pinned.url, trust.roots, self._clock, self._out)


async def ask_time(url: str, roots: tuple[x509.Certificate, ...], clock: Clock, out: Egress = DIRECT) -> Told:
    """The time that the authority below these roots tells; EnrolmentFailed when it is not told, or by somebody else."""
    nonce = secrets.token_hex(16)
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    asked = clock.monotonic()
    answer = await region_client.ask(url, unverified, "GET", f"{_PATH}/{nonce}", out=out)
    answered = clock.monotonic()
    try:
        at = read_moment(answer, nonce=nonce, roots=roots)
    except MessageError as error:
        raise RegionNotTrusted(f"who answers does not tell this region's time: {error}") from error
    return Told(at, (asked + answered) / 2, (answered - asked) / 2)


def _read(path: Path, read: Callable[[str], T]) -> T | None:
    """What the file says; None when it is not there or not to be understood, which enrolment has its own words for."""
    try:
        with path.open("rb") as file:
            return read(file.read(MAX_FILE + 1).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, MessageError):
        return None
