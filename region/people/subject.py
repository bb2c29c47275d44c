"""The subject `people`, put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import APIRouter

from region.people import api, pages, token_api, token_pages, token_words, words
from region.people.examples import EXAMPLES
from region.people.service import PeopleService
from region.people.tokens import TokenService
from region.web.auth import session_ended
from region.web.context import Region
from region.web.subject import Nav, Subject
from region.web.words import LANGUAGES


def subject(region: Region) -> Subject:
    """Pages and API."""
    service = PeopleService(region.registry, region.clock, partial(session_ended, region))
    tokens = TokenService(region.registry, region.clock)
    router = APIRouter()
    router.include_router(token_pages.build_router(tokens))  # before those that take any word for somebody's number
    router.include_router(token_api.build_router(tokens))
    router.include_router(pages.build_router(service))
    router.include_router(api.build_router(service))
    return Subject(
        name="people", folder=Path(__file__).parent, router=router, examples=EXAMPLES,
        words={language: {**words.WORDS[language], **token_words.WORDS[language]} for language in LANGUAGES},
        nav=(Nav("/people", "people.nav", "it_admin"),),
    )  # fmt: skip
