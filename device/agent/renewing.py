"""Keeps the station's certificate young: an hourly look with jitter, sooner once it has expired."""

from __future__ import annotations

import logging
import random as random_module
from collections.abc import Callable

from messaging.clock import Clock
from messaging.enrolment import split_address
from messaging.envelope import ClockTrust
from messaging.link.backoff import FullJitter
from messaging.link.mqtt import MqttSettings, knock
from messaging.link.port import LinkError
from provisioning.station import keystore
from provisioning.station.errors import EnrolmentFailed, ProvisioningError, StateUnusable
from provisioning.station.keystore import Keystore
from provisioning.station.renew import Renewal

_log = logging.getLogger(__name__)
FIRST_WITHIN_S = 30.0
EVERY_S = 3600.0
_JITTER = 0.25  # of the hour: a fleet that was enrolled in one afternoon must not renew in one minute
_EXPIRED_WAIT_S = (20.0, 600.0)
_LOOK_S = 5.0  # at the clock


class Renewing:
    """`on_renewed` is called when another certificate is in force."""

    def __init__(
        self,
        renewal: Renewal,
        clock: Clock,
        random: random_module.Random,
        trust: Callable[[], ClockTrust],
        validity: Callable[[], tuple[float, float] | None],
        on_renewed: Callable[[], None],
    ) -> None:
        self._renewal = renewal
        self._clock = clock
        self._random = random
        self._trust = trust
        self._validity = validity
        self._on_renewed = on_renewed
        self._backoff = FullJitter(*_EXPIRED_WAIT_S, random)
        self.refusal = ""  # the region's word, when only a person can help

    async def run(self) -> None:
        """Until cancelled."""
        await self._clock.sleep(self._random.uniform(1.0, FIRST_WITHIN_S))
        while True:
            await self.look()
            await self._rest(self._pause())

    async def look(self) -> None:
        """Renew if it is time, and if the time can be believed at all."""
        if self._trust() == "unset":
            return
        try:
            if await self._renewal.renew(self._clock.wall()):
                self._backoff.reset()
                self._on_renewed()
            self.refusal = ""
        except (ProvisioningError, LinkError, OSError) as failure:
            lasting = isinstance(failure, EnrolmentFailed) and failure.lasting
            self.refusal = failure.code if isinstance(failure, EnrolmentFailed) and lasting else ""
            _log.warning("the certificate is not renewed yet: %s", failure)

    async def at_once(self) -> str:
        """Renew now, because somebody asks for it; '' or a stable word why it is not renewed."""
        if self._trust() == "unset":
            return "clock"
        try:
            if await self._renewal.renew(self._clock.wall(), early=True):
                self._on_renewed()
        except (ProvisioningError, LinkError, OSError) as failure:
            _log.warning("the certificate is not renewed: %s", failure)
            return failure.code if isinstance(failure, ProvisioningError) else "broker_or_disk"
        return ""

    async def _rest(self, pause_s: float) -> None:
        """Cut short when the clock is believed anew: until then nobody knew whether it was time."""
        until, before = self._clock.monotonic() + pause_s, self._trust()
        while (left := until - self._clock.monotonic()) > 0 and self._trust() == before:
            await self._clock.sleep(min(left, _LOOK_S))

    def _pause(self) -> float:
        validity = self._validity()
        if validity is not None and validity[1] <= self._clock.wall() and self._trust() != "unset" and not self.refusal:
            return self._backoff.next()
        return EVERY_S * self._random.uniform(1 - _JITTER, 1 + _JITTER)


async def try_at_broker(kept: Keystore, waiting: keystore.Renewing) -> None:
    """Connect with a renewed certificate, under a client id of its own; LinkError when the broker does not take it."""
    identity = kept.identity()
    if identity is None:
        raise StateUnusable("this station is not enrolled any more")
    host, port = split_address(identity.broker)
    client_id = kept.client_id(identity.station, "trial")
    await knock(MqttSettings(host, port, client_id, waiting.ca, waiting.certificate, kept.key))
