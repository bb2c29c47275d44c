"""The subject `stations`, put together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

from messaging.signed import Signer
from provisioning.authority.enrolment import Enrolment
from region.stations import (
    api,
    bulk,
    bulk_settings,
    card_api,
    card_pages,
    claim_api,
    claim_pages,
    command_api,
    command_pages,
    diagnostics_api,
    layout_api,
    pages,
    place_api,
    place_pages,
    profile_copying,
    profile_pages,
    removal_api,
    removal_pages,
    settings_api,
    table_api,
    table_pages,
    wipe_pages,
    words,
)
from region.stations.admission import Admission, CloneWatch
from region.stations.births import Births, ConfirmEnrolment
from region.stations.cards import CardService
from region.stations.claims import ClaimService
from region.stations.codes import CodeService
from region.stations.commanding import Commanding
from region.stations.diagnostics import DiagnosticsService
from region.stations.dispatching import Dispatcher
from region.stations.examples import EXAMPLES
from region.stations.lacking import Lacking
from region.stations.layout import LayoutService
from region.stations.layout_examples import LAYOUT_EXAMPLES
from region.stations.progress import CommandProgress
from region.stations.publishing import Publisher
from region.stations.removing import RemovalService
from region.stations.service import StationService
from region.web.context import Region
from region.web.subject import Nav, Subject


@dataclass(frozen=True)
class Commands:
    """The parts that commands go through."""

    commanding: Commanding
    dispatcher: Dispatcher
    progress: CommandProgress


def commands(region: Region, signer: Signer) -> Commands:
    """The parts, put together; the pages of a station are told when there is news of its commands."""

    def tell(station: str) -> None:
        region.hub.publish(f"station:{station}", "station", "")

    return Commands(
        Commanding(region.registry, region.clock),
        Dispatcher(region.registry, region.downlink, signer, region.clock, tell),
        CommandProgress(region.registry, region.clock, tell),
    )


def subject(
    service: StationService, codes: CodeService, enrolment: Enrolment, publisher: Publisher, lacking: Lacking,
    admission: Admission, commands: Commands, claims: ClaimService, layout: LayoutService, cards: CardService,
    diagnostics: DiagnosticsService, removal: RemovalService,
) -> Subject:  # fmt: skip
    """Pages, API, births, the publishing of config, and commands."""
    router = APIRouter()
    router.include_router(pages.build_router(service, codes, admission, commands.commanding))
    router.include_router(command_pages.build_router())
    router.include_router(bulk.build_router(commands.commanding))
    router.include_router(wipe_pages.build_router(commands.commanding))
    router.include_router(removal_pages.build_router(removal, commands.commanding))
    router.include_router(removal_api.build_router(removal, commands.commanding))
    router.include_router(api.build_router(service, codes, admission))
    router.include_router(command_api.build_router(commands.commanding))
    router.include_router(bulk_settings.build_router(layout))
    router.include_router(settings_api.build_router(commands.commanding, layout))
    router.include_router(card_pages.build_router(cards))
    router.include_router(card_api.build_router(cards))
    router.include_router(profile_copying.build_router(layout))
    router.include_router(profile_pages.build_router(layout))
    router.include_router(layout_api.build_router(layout))
    router.include_router(place_pages.build_router(layout))
    router.include_router(place_api.build_router(layout))
    router.include_router(table_api.build_router())
    router.include_router(table_pages.build_router())
    router.include_router(diagnostics_api.build_router(diagnostics))
    router.include_router(claim_pages.build_router(claims))
    router.include_router(claim_api.build_router(claims))

    async def duty() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publisher.run(), name="config")
            tasks.create_task(lacking.run(), name="config that no broker brought")
            tasks.create_task(commands.dispatcher.run(), name="commands")
            tasks.create_task(diagnostics.run(), name="old diagnostics")

    return Subject(
        name="stations",
        folder=Path(__file__).parent,
        router=router,
        words=words.WORDS,
        examples=EXAMPLES + LAYOUT_EXAMPLES,
        nav=(
            Nav("/sites", "stations.nav.sites", "it_admin", ("/places", "/tables")),
            Nav("/profiles", "stations.nav.profiles", "it_admin"),
            Nav("/cards", "stations.nav.cards", "it_admin"),
            Nav("/claims", "stations.nav.claims", "it_admin"),
        ),
        up={"birth": Births(ConfirmEnrolment(enrolment), lacking), "reported": lacking, "cmd": commands.progress},
        presence=CloneWatch(admission).presence,
        duty=duty,
    )
