"""Keeps trying to enrol for as long as there is something to enrol with, and tells the agent of each new identity.

With neither identity nor code file a station asks to be claimed, if it knows a region (`provisioning.station.claim`).
"""

from __future__ import annotations

import logging
import random as random_module
from collections.abc import Callable

from messaging.clock import Clock
from messaging.envelope import ClockTrust
from messaging.local import ClaimShown
from provisioning.station.claim import Claiming
from provisioning.station.enrol import Enrolment, Patience
from provisioning.station.errors import CodeFileMissing, EnrolmentFailed, ProvisioningError, Refused
from provisioning.station.keystore import Identity, Keystore

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0  # a technician who has just put a code file there is watching
_STATE_RETRY_S = 60.0
_JITTER = 0.2  # of the time until a claim is asked for again


class Enrolling:
    """`on_identity` is called with the identity on disk, and again with each that replaces it.

    `on_error` hears '' when a try begins and when it succeeds, else a stable word. `on_claim` hears what the screen is
    to show of a claim while it waits, and None once it does not.
    """

    def __init__(
        self,
        keystore: Keystore,
        enrolment: Enrolment,
        claiming: Claiming,
        clock: Clock,
        trust: Callable[[], ClockTrust],
        patience: Patience,
        random: random_module.Random,
        on_identity: Callable[[Identity], None],
        on_error: Callable[[str], None],
        on_claim: Callable[[ClaimShown | None], None],
    ) -> None:
        self._keystore = keystore
        self._enrolment = enrolment
        self._claiming = claiming
        self._clock = clock
        self._trust = trust
        self._patience = patience
        self._random = random
        self._on_identity = on_identity
        self._on_error = on_error
        self._on_claim = on_claim
        self._told: object = None
        self._said = ""
        self._claim_waits = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            seen = self._fingerprint()
            wait_s = _STATE_RETRY_S
            try:
                self._tell()
                if not self._claim_waits or self._enrolment.fingerprint() is not None:
                    self._on_error("")
                wait_s = await self._enrol()
                self._said = ""
            except ProvisioningError as failure:
                self._complain(failure)
                if isinstance(failure, EnrolmentFailed):
                    wait_s = self._patience.wait_s(failure)
            await self._wait(seen, wait_s)

    async def _enrol(self) -> float:
        """One try; seconds until the next."""
        try:
            await self._enrolment.enrol()
        except CodeFileMissing as missing:
            return await self._claim(missing)
        except Refused as refused:
            if refused.lasting and self._claiming.take_back():
                return 0.0
            raise
        await self._claiming.ask()  # drops what is left of a claim
        self._show(None)
        self._on_error("")
        self._tell()
        return float("inf")

    async def _claim(self, missing: CodeFileMissing) -> float:
        shown = await self._claiming.ask()
        if shown is None:
            self._show(None)
            if self._enrolment.fingerprint() is None:
                raise missing  # nobody to ask
            return 0.0
        self._show(None if shown.refused else ClaimShown(shown.link, shown.check))
        self._claim_waits = True
        self._on_error("claim_refused" if shown.refused else "unclaimed")
        return shown.retry_s * self._random.uniform(1 - _JITTER, 1 + _JITTER)

    def _show(self, claim: ClaimShown | None) -> None:
        self._claim_waits = claim is not None
        self._on_claim(claim)

    def _complain(self, failure: ProvisioningError) -> None:
        if str(failure) != self._said:
            self._said = str(failure)
            _log.warning("enrolment (%s): %s", failure.code, failure)
        self._on_error(failure.code)

    def _tell(self) -> None:
        identity = self._keystore.identity()
        known = (identity, self._keystore.enrolled_with())
        if identity is not None and known != self._told:
            self._told = known
            self._on_identity(identity)

    def _fingerprint(self) -> object:
        """What a try depends on, the clock too: it judges certificates. A change is reason for another at once."""
        return self._enrolment.fingerprint(), self._claiming.fingerprint(), self._trust()

    async def _wait(self, seen: object, wait_s: float) -> None:
        until = self._clock.monotonic() + wait_s
        while self._clock.monotonic() < until and self._fingerprint() == seen:
            await self._clock.sleep(min(_LOOK_EVERY_S, until - self._clock.monotonic()))
