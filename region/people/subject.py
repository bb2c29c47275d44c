"""The subject `people`, put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from region.people import api, pages, words
from region.people.examples import EXAMPLES
from region.people.service import PeopleService
from region.web.context import Region
from region.web.subject import Nav, Subject


def subject(region: Region) -> Subject:
    """Pages and API."""
    service = PeopleService(region.registry, region.clock)
    router = APIRouter()
    router.include_router(pages.build_router(service))
    router.include_router(api.build_router(service))
    return Subject(
        name="people", folder=Path(__file__).parent, router=router, words=words.WORDS, examples=EXAMPLES,
        nav=(Nav("/people", "people.nav", "it_admin"),),
    )  # fmt: skip
