"""Renewal: the same key, the next certificate, from half of the life of the present one.

    renewing/           the certificate in force        next
    none                younger than half its life      nothing
    none                older                           ask the region, and stage its answer
    of the last day     any                             try it at the broker, then put it in force
    older               as if there were none

What is in force stays so until the broker has taken a connection with the new one. Times are Unix seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from provisioning.station import region_client
from provisioning.station.egress import DIRECT, Egress
from provisioning.station.errors import StateUnusable
from provisioning.station.keystore import Keystore, Renewing
from provisioning.station.region_client import Shown

_log = logging.getLogger(__name__)
_BACKDATED_S = 86_400.0  # the region dates a certificate back by a day; that day is no part of its life
_STALE_S = 86_400.0  # what the broker has not taken for so long is asked for anew
Validity = tuple[float, float]  # notBefore, notAfter
Try = Callable[[Renewing], Awaitable[None]]  # connect to the broker with it; LinkError when it is not taken


class Next(Enum):
    """What comes next."""

    NOTHING = auto()
    ASK = auto()
    TRY = auto()


def next_step(validity: Validity | None, staged: Validity | None, now: float) -> Next:
    """The table above. `validity` is the certificate in force's; None: it cannot be read."""
    if staged is not None and now < min(staged[0] + _BACKDATED_S + _STALE_S, staged[1]):
        return Next.TRY
    return Next.NOTHING if validity is not None and now < due(validity) else Next.ASK


def due(validity: Validity) -> float:
    """Half-way through a certificate's life."""
    begins = validity[0] + _BACKDATED_S
    return begins + max(0.0, validity[1] - begins) / 2


class Renewal:
    """Takes the steps, over a keystore."""

    def __init__(self, keystore: Keystore, try_it: Try, out: Egress = DIRECT) -> None:
        self._keystore = keystore
        self._out = out
        self._try = try_it

    async def renew(self, now: float, *, early: bool = False) -> bool:
        """Take every step that is open; True when another certificate is in force. `early`: half its life or not.

        EnrolmentFailed, StateUnusable or LinkError: what is in force stays so, and this may be called again.
        """
        with self._keystore.lock():
            identity = self._keystore.identity()
            if identity is None:
                return False
            validity = self._keystore.validity()
            step = next_step(validity, self._keystore.renewing_validity(), now)
            if step is Next.NOTHING and early:
                step = Next.ASK
            if step is Next.ASK:
                expired = validity is None or now >= validity[1]
                shown = None if expired else Shown(self._keystore.certificate, self._keystore.key)
                key, roots = self._keystore.registered_key(), self._keystore.roots()
                answer = await region_client.renew(identity.station, identity.url, roots, key, shown, self._out)
                self._keystore.stage_renewal(answer.certificate_pem, answer.ca_pem)
            if step is Next.NOTHING:
                return False
            waiting = self._keystore.renewing
            if waiting is None:
                raise StateUnusable("the renewed certificate has gone")
            await self._try(waiting)
            self._keystore.install_renewal()
            _log.info("the certificate of %s is renewed", identity.station)
            return True
