"""The subject `stations`, put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from provisioning.authority.enrolment import Enrolment
from region.stations import api, pages, words
from region.stations.admission import Admission, CloneWatch
from region.stations.births import ConfirmEnrolment
from region.stations.publishing import Publisher
from region.stations.service import StationService
from region.web.subject import Nav, Subject


def subject(service: StationService, enrolment: Enrolment, publisher: Publisher, admission: Admission) -> Subject:
    """Pages, API, births and the publishing of config."""
    router = APIRouter()
    router.include_router(pages.build_router(service, admission))
    router.include_router(api.build_router(service, admission))
    return Subject(
        name="stations",
        folder=Path(__file__).parent,
        router=router,
        words=words.WORDS,
        nav=(Nav("/sites", "stations.nav.sites", "it_admin"),),
        up={"birth": ConfirmEnrolment(enrolment)},
        presence=CloneWatch(admission).presence,
        run=publisher.run,
    )
