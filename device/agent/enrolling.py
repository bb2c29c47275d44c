"""Keeps trying to enrol for as long as there is something to enrol with, and tells the agent of each new identity."""

from __future__ import annotations

import logging
from collections.abc import Callable

from messaging.clock import Clock
from provisioning.station.enrol import Enrolment, Patience
from provisioning.station.errors import EnrolmentFailed, ProvisioningError
from provisioning.station.keystore import Identity, Keystore

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0  # a technician who has just put a code file there is watching
_STATE_RETRY_S = 60.0


class Enrolling:
    """`on_identity` is called with the identity on disk, and again with each that replaces it."""

    def __init__(
        self,
        keystore: Keystore,
        enrolment: Enrolment,
        clock: Clock,
        patience: Patience,
        on_identity: Callable[[Identity], None],
        on_error: Callable[[str], None],
    ) -> None:
        self._keystore = keystore
        self._enrolment = enrolment
        self._clock = clock
        self._patience = patience
        self._on_identity = on_identity
        self._on_error = on_error
        self._told: object = None

    async def run(self) -> None:
        """Until cancelled. `on_error` hears '' when a try begins and when it succeeds, else a stable word."""
        last_said = ""
        while True:
            seen = self._enrolment.fingerprint()
            wait_s = _STATE_RETRY_S
            try:
                self._tell()
                self._on_error("")
                await self._enrolment.enrol()
                self._tell()
                wait_s = float("inf")
                last_said = ""
            except ProvisioningError as failure:
                if str(failure) != last_said:
                    last_said = str(failure)
                    _log.warning("enrolment (%s): %s", failure.code, failure)
                self._on_error(failure.code)
                if isinstance(failure, EnrolmentFailed):
                    wait_s = self._patience.wait_s(failure)
            await self._wait(seen, wait_s)

    def _tell(self) -> None:
        identity = self._keystore.identity()
        known = (identity, self._keystore.enrolled_with())
        if identity is not None and known != self._told:
            self._told = known
            self._on_identity(identity)

    async def _wait(self, seen: object, wait_s: float) -> None:
        until = self._clock.monotonic() + wait_s
        while self._clock.monotonic() < until and self._enrolment.fingerprint() == seen:
            await self._clock.sleep(min(_LOOK_EVERY_S, until - self._clock.monotonic()))
