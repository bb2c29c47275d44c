"""The services of stations as the command line has them: they need no region that runs."""

from __future__ import annotations

from pathlib import Path

from provisioning.authority import vault
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import AuthorityUnusable
from region import addresses
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.cli.desk import Desk
from region.errors import Usage
from region.registry.secrets import EARS
from region.registry.store import RegistryEnrolmentStore
from region.stations.codes import CodeService
from region.stations.layout import LayoutService
from region.stations.service import StationService


def station_service(desk: Desk) -> StationService:
    """Of clinics, sites and stations."""
    return StationService(desk.registry, desk.clock)


async def code_service(desk: Desk) -> CodeService:
    """Of code files."""
    data: Path = desk.args.data
    enrolment = Enrolment(RegistryEnrolmentStore(desk.registry, desk.clock), AuthorityClient(data / SOCKET), desk.clock)
    return CodeService(desk.registry, desk.clock, enrolment, await root_sha256(desk), addresses.load(data))


def layout_service(desk: Desk) -> LayoutService:
    """Of places, and of what stations work by in layers."""
    return LayoutService(desk.registry, desk.clock)


async def root_sha256(desk: Desk) -> str:
    """What code files pin; the authority is made where there is none yet. Usage: a region that runs has its own."""
    folder: Path = desk.args.data / "ca"
    if not await _has_been_served(desk):
        vault.make_if_absent(folder, desk.clock)
    try:
        return vault.public_trust(folder).root_sha256
    except AuthorityUnusable as error:
        raise Usage(
            f"{desk.args.data} knows of no authority, but this database's region has had one, and its stations believe "
            "no other. Give --data (or REGION_DATA) as one of the region's processes has it."
        ) from error


async def _has_been_served(desk: Desk) -> bool:
    async with desk.registry.read() as t:
        return await t.secrets.has(EARS)
