"""Diagnostics that stations hand in: only a station, only what it was asked for, bounded, and read with a trace.

who shows                                                   is told
no certificate                                              certificate_needed
a certificate that no station was given                     foreign_certificate
one that was revoked, or of a station that is shut out      station_barred
a station's own, and a command it was not given, that asks for something else, or that has ended   not_asked_for
more than it may be, or no bundle of that station           oversized_request, malformed_request
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock
from messaging.command import ENDED
from messaging.diagnostics import unpack
from messaging.errors import MessageError
from provisioning.authority.errors import (
    CertificateNeeded,
    ForeignCertificate,
    MalformedRequest,
    NotAskedFor,
    StationBarred,
)
from region.registry import NotFound, Registry, RegistryError, Transaction
from region.registry.records import HandedIn

_log = logging.getLogger(__name__)
SWEEP_EVERY_S = 3600.0


class DiagnosticsService:
    """`actor` is whom the audit names."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def take(self, cid: str, shown: x509.Certificate | None, body: Callable[[], Awaitable[bytes]]) -> str:
        """Keep what the station of that certificate hands in for that command; its id. EnrolmentRefused or
        RequestRefused. Nothing of the body is read for whoever was not asked."""
        if shown is None:
            raise CertificateNeeded("diagnostics are taken from a station that shows its certificate")
        async with self._registry.read() as t:
            station = await _expected(t, cid, shown)
        content = await body()
        try:
            about = unpack(content)
        except MessageError as error:
            raise MalformedRequest("no diagnostics of ours") from error
        if about.station != station:
            raise MalformedRequest("the diagnostics of another station")
        now = self._clock.wall()
        async with self._registry.begin() as t:
            await _expected(t, cid, shown)  # a minute may have gone by
            if await t.diagnostics.put(HandedIn(cid, station, now, len(content)), content):
                await t.audit.add(station, "diagnostics.take", "done", now, station_id=station, cid=cid)
            await t.diagnostics.sweep(now)
        return station

    async def all(self, station_id: str | None = None) -> list[HandedIn]:
        """What is kept, the newest first."""
        async with self._registry.read() as t:
            return await t.diagnostics.all(station_id)

    async def read(self, actor: str, cid: str, station_id: str | None = None) -> tuple[HandedIn, bytes]:
        """What that command (of that station) brought, gzipped JSON, for somebody to look into; NotFound."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            about, content = await t.diagnostics.content(cid)
            if station_id not in (None, about.station_id):
                raise NotFound(f"no diagnostics of command {cid} are kept of {station_id}")
            await t.audit.add(actor, "diagnostics.read", "done", now, station_id=about.station_id, cid=cid)
        return about, content

    async def run(self) -> None:
        """Forget what is too old, for ever."""
        while True:
            try:
                async with self._registry.begin() as t:
                    await t.diagnostics.sweep(self._clock.wall())
            except RegistryError as error:
                _log.warning("old diagnostics wait to be forgotten: %s", error)
            await self._clock.sleep(SWEEP_EVERY_S)


async def _expected(t: Transaction, cid: str, shown: x509.Certificate) -> str:
    """The station, if it is let in and was asked for this; EnrolmentRefused."""
    station = await _whose(t, shown)
    await _asked(t, cid, station)
    return station


async def _whose(t: Transaction, shown: x509.Certificate) -> str:
    given = await t.certificates.find(f"{shown.serial_number:x}")
    if given is None or given.der != shown.public_bytes(Encoding.DER):
        raise ForeignCertificate("no station was given this certificate")
    station = await t.stations.find(given.station)
    if given.revoked is not None or station is None or station.admission != "admitted":
        raise StationBarred("the registry has shut the station or this certificate out")
    return given.station


async def _asked(t: Transaction, cid: str, station: str) -> None:
    try:
        command = await t.commands.get(cid)
    except NotFound:
        command = None
    if (
        command is None or command.station_id != station or command.type != "diagnostics"
        or command.sent_at is None or command.state in ENDED
    ):  # fmt: skip
        raise NotAskedFor("nobody has asked this station for that")
