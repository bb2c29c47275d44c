"""Enrolment: what to do next is decided by what is on disk, so that a power cut at any point loses nothing.

code file          enrolling/            identity     next
none               none                  any          nothing (or: wait for a code file)
new                none, or of another   any          begin: note what is wanted
new                wanted                any          make the key
new                wanted, key           any          ask the region for the certificate
any                all three             any          install; identity.json last
the one in force   none                  there        settle: erase it, once the broker has taken the birth
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from messaging.enrolment import MAX_FILE, CodeFile, read_code_file
from messaging.errors import MessageError
from messaging.link.backoff import FullJitter
from provisioning.station import region_client
from provisioning.station.egress import DIRECT, Egress
from provisioning.station.errors import CodeFileMalformed, CodeFileMissing, EnrolmentFailed, StateUnusable
from provisioning.station.files import fingerprint, remove, wipe
from provisioning.station.keystore import Identity, Keystore, Staged, Wanted, wanted_by

_log = logging.getLogger(__name__)
SELDOM_S = 3600.0  # what the region refused for good it may allow again, but nobody waits for that


class Step(Enum):
    """What comes next."""

    BEGIN = auto()
    MAKE_KEY = auto()
    ASK = auto()
    INSTALL = auto()
    SETTLE = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class OnDisk:
    """All that the decision looks at. `enrolled` and `wanted` are equal when the code file's code has been used."""

    wanted: Wanted | None
    staged: Staged | None
    enrolled: Wanted | None


def next_step(disk: OnDisk) -> Step:
    """The table above."""
    staged = disk.staged
    if staged is not None and staged.has_certificate and disk.wanted in (None, staged.wanted):
        return Step.INSTALL
    if disk.wanted is None:
        return Step.NOTHING
    if disk.wanted == disk.enrolled:
        return Step.SETTLE
    if staged is None or staged.wanted != disk.wanted:
        return Step.BEGIN
    return Step.ASK if staged.has_key else Step.MAKE_KEY


class Enrolment:
    """Takes the steps, over a keystore and a code file."""

    def __init__(self, keystore: Keystore, code_file: Path, out: Egress = DIRECT) -> None:
        self._keystore = keystore
        self._out = out
        self._code_path = code_file

    async def enrol(self) -> Identity:
        """Take every step that is open and return the identity in force; EnrolmentFailed or StateUnusable.

        A station that is enrolled and finds a code file it cannot use raises too: its identity stays in force.
        """
        with self._keystore.lock():
            while True:
                code_file = self._read_code()
                step = next_step(self._look(code_file))
                if step in (Step.SETTLE, Step.NOTHING):
                    break
                await self._take(step, code_file)
            self._keystore.sweep()
        identity = self._keystore.identity()
        if identity is None:
            raise CodeFileMissing(f"this station is not enrolled, and there is no code file at {self._code_path}")
        return identity

    def settle(self) -> bool:
        """The broker has taken the birth under the new identity: erase the used code file. True when it did so."""
        try:
            code_file = self._read_code()
        except EnrolmentFailed as error:
            _log.warning("%s", error)
            return False
        if next_step(self._look(code_file)) is not Step.SETTLE:
            return False
        try:
            wipe(self._code_path)
        except OSError as error:
            _log.warning("the used code file %s cannot be erased: %s", self._code_path, error.strerror)
            return False
        _log.info("enrolment is finished and its code file erased")
        return True

    def fingerprint(self) -> tuple[int, int, int] | None:
        """Changes when another code file is put there: (inode, size, time of change in ns)."""
        return fingerprint(self._code_path)

    async def _take(self, step: Step, code_file: CodeFile | None) -> None:
        if step is Step.INSTALL:
            identity = self._keystore.install()
            _log.info("enrolled as %s", identity.station)
        elif code_file is None:
            raise StateUnusable(f"{step.name} without a code file")
        elif step is Step.BEGIN:
            _log.info("enrolling as %s at %s", code_file.station, code_file.url)
            self._keystore.begin(wanted_by(code_file))
        elif step is Step.MAKE_KEY:
            self._keystore.make_key()
        else:
            trust = await region_client.fetch_trust(code_file.url, code_file.ca_sha256, self._out)
            key = self._keystore.staged_key()
            certificate_pem = await region_client.enrol(code_file, trust, key, self._out)
            self._keystore.stage_certificate(certificate_pem, trust.root_pem)

    def _look(self, code_file: CodeFile | None) -> OnDisk:
        wanted = wanted_by(code_file) if code_file else None
        return OnDisk(wanted, self._keystore.staged(), self._keystore.enrolled_with())

    def _read_code(self) -> CodeFile | None:
        try:
            with self._code_path.open("rb") as file:
                content = file.read(MAX_FILE + 1)
            if content and not content.strip(b"\0"):
                remove(self._code_path)  # a power cut came between overwriting a used code file and removing it
                return None
            return read_code_file(content.decode("utf-8-sig"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CodeFileMalformed(f"{self._code_path} cannot be read: {error.strerror}") from error
        except (MessageError, UnicodeDecodeError):
            # The parser's own words could quote a line of the file, and the code with it.
            raise CodeFileMalformed(f"{self._code_path} is not a code file of ours; print a new one") from None


class Patience:
    """When to try again after a failure. Full jitter, and slow once only another code file can help."""

    def __init__(self, backoff: FullJitter | None = None) -> None:
        self._backoff = backoff or FullJitter(base_s=2.0, cap_s=300.0)

    def wait_s(self, failure: EnrolmentFailed) -> float:
        """Seconds to wait before the next try, at least; a changed code file is reason to try at once."""
        if failure.lasting:
            return SELDOM_S
        return max(failure.retry_after_s, self._backoff.next())
