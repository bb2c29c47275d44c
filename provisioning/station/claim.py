"""Door B: a station without a code asks the region to be claimed, and enrols by the code it made itself once it is.

What to do next is decided by what is on disk, so that a power cut at any point loses nothing:

identity   code file       region file   claiming/         next
there      any             any           any               drop what is left of a claim
none       there           any           any               nothing: door A's turn (`enrol.py`)
none       none            none          any               nothing
none       none            there         none, or of       begin: make a key and a code
                                         another region
none       none            there         of this region    ask; approved: hand over

To hand over is to stage the enrolment with the claim's key and then write the code file; from there on it is door A,
which finds both. Cut between the two, the region is asked again and answers the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from messaging.claim import RegionFile, check_code, claim_link, read_region_file
from messaging.enrolment import MAX_FILE, read_code_file, write_code_file
from messaging.errors import MessageError
from provisioning.station import claim_client, region_client
from provisioning.station.claimstore import Claim, ClaimStore, thumbprint
from provisioning.station.documents import guarded
from provisioning.station.errors import RegionFileMalformed, StateUnusable
from provisioning.station.files import fingerprint, write_whole
from provisioning.station.keystore import Keystore, wanted_by
from provisioning.station.region_client import Trust

_log = logging.getLogger(__name__)


class Step(Enum):
    """What comes next."""

    NOTHING = auto()
    DROP = auto()
    BEGIN = auto()
    ASK = auto()


@dataclass(frozen=True)
class OnDisk:
    """All that the decision looks at; `claimed` is whom the claim under way asks."""

    enrolled: bool
    code_file: bool
    region: RegionFile | None
    claimed: RegionFile | None


@dataclass(frozen=True)
class Shown:
    """What the screen shows of a claim: `link` for a telephone to read, `check` for eyes to compare. Secret to nobody.

    `refused`: IT has said no; the region is asked again after `retry_s` seconds, as it said.
    """

    link: str
    check: str
    retry_s: float
    refused: bool = False


def next_step(disk: OnDisk) -> Step:
    """The table above."""
    if disk.enrolled:
        return Step.DROP
    if disk.code_file or disk.region is None:
        return Step.NOTHING
    return Step.ASK if disk.claimed == disk.region else Step.BEGIN


class Claiming:
    """Takes the steps, over a keystore, a region file and the place of the code file."""

    def __init__(self, state_dir: Path, region_file: Path, code_file: Path, serial: str) -> None:
        self._keystore = Keystore(state_dir)
        self._store = ClaimStore(state_dir)
        self._region_path = region_file
        self._code_path = code_file
        self._serial = serial
        self._trust: tuple[RegionFile, Trust] | None = None

    async def ask(self) -> Shown | None:
        """Take every step that is open; EnrolmentFailed or StateUnusable.

        What the screen shows while the claim waits; None when there is nothing to wait for: no region file, or door A's
        turn has come, with the code file that has just been written.
        """
        with self._keystore.lock():
            while True:
                disk = self._look()
                step = next_step(disk)
                if step is Step.ASK:
                    return await self._ask()
                if step is Step.BEGIN and disk.region is not None:
                    self._store.begin(disk.region)
                    continue
                if step is Step.DROP:
                    self._store.discard()
                return None

    def take_back(self) -> bool:
        """The region refuses the code for good: if it is our own, drop it and the claim. True when it was.

        Whoever approved it has made another code for the same station since, or we were away too long.
        """
        with self._keystore.lock():
            claim = self._store.claim()
            if claim is None or not self._is_own(claim):
                return False
            with guarded():
                self._code_path.unlink()
            self._store.discard()
        _log.warning("the region does not take the code of this station's claim any more: it is claimed anew")
        return True

    def fingerprint(self) -> tuple[int, int, int] | None:
        """Changes when another region file is put there: (inode, size, time of change in ns)."""
        return fingerprint(self._region_path)

    def _look(self) -> OnDisk:
        claim = self._store.claim()
        enrolled = self._keystore.identity() is not None
        code_file = self._code_path.exists()
        region = None if enrolled or code_file else self._region()
        return OnDisk(enrolled, code_file, region, None if claim is None else claim.region)

    async def _ask(self) -> Shown | None:
        claim, key = self._store.claim(), self._store.key()
        if claim is None:
            raise StateUnusable("the claim under way has gone")
        trust = await self._fetch_trust(claim.region)
        answer = await claim_client.claim(claim.url, trust, key, claim.code_sha256, self._serial)
        if answer.state == "approved":
            self._hand_over(claim, answer.station)
            return None
        name = thumbprint(key)
        check = check_code(name, claim.code_sha256, answer.nonce)
        return Shown(claim_link(answer.page, name, check), check, answer.retry_s, answer.state == "refused")

    async def _fetch_trust(self, region: RegionFile) -> Trust:
        """Asked for once: what is pinned does not change."""
        if self._trust is None or self._trust[0] != region:
            self._trust = region, await region_client.fetch_trust(region.url, region.ca_sha256)
        return self._trust[1]

    def _hand_over(self, claim: Claim, station: str) -> None:
        code_file = claim.approved(station)
        _log.info("claimed as %s", station)
        self._keystore.begin(wanted_by(code_file), self._store.key_pem())
        with guarded():
            write_whole(self._code_path, write_code_file(code_file).encode(), mode=None)

    def _is_own(self, claim: Claim) -> bool:
        try:
            return read_code_file(self._code_path.read_text(encoding="utf-8")).code == claim.code
        except (OSError, ValueError, MessageError):
            return False

    def _region(self) -> RegionFile | None:
        try:
            with self._region_path.open("rb") as file:
                return read_region_file(file.read(MAX_FILE + 1).decode("utf-8-sig"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RegionFileMalformed(f"{self._region_path} cannot be read: {error.strerror}") from error
        except (MessageError, UnicodeDecodeError) as error:
            raise RegionFileMalformed(f"{self._region_path} is not a region file of ours: {error}") from error
