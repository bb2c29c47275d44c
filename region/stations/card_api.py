"""The JSON API of cards: stations and a code file for each, in one step; for IT's scripts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from messaging.enrolment import write_code_file
from messaging.times import UnixTime
from region.stations.cards import MOST_CARDS, MOST_DAYS, Batch, CardService, Order
from region.stations.sheet_words import sheet_words
from region.web.auth import ItAdmin
from region.web.fields import Body

Name = Annotated[str, Field(max_length=80)]


class NewCards(Body):
    """Cards to make: `count` rooms with numbers after `called`, or these `rooms`, or (`missing`) cards for the
    stations of the site that have no code that could be used. A code is good for `days`."""

    site: Name
    clinic: Name = ""
    count: int = Field(default=0, ge=0, le=MOST_CARDS)
    called: Name = sheet_words("en").room
    rooms: list[Name] = Field(default_factory=list, max_length=MOST_CARDS)
    missing: bool = False
    days: int = Field(default=Order("").days, ge=1, le=MOST_DAYS)

    def order(self) -> Order:
        """As the service takes it."""
        return Order(self.site, self.clinic, self.count, self.called, tuple(self.rooms), self.missing, self.days)


class MadeCard(BaseModel):
    """One card; `toml` is its code file: a secret, told once, kept nowhere."""

    number: int
    station: str
    room: str
    toml: str


class MadeCards(BaseModel):
    """Cards made together; until `expires` they can be used."""

    site: str
    expires: UnixTime
    cards: list[MadeCard]


class RegionFileText(BaseModel):
    """The file that is the same on every card, and lets stations ask to be claimed; no secret."""

    toml: str


def build_router(cards: CardService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["stations"])

    @router.post("/cards", status_code=201)
    async def prepare_cards(session: ItAdmin, new: NewCards) -> MadeCards:
        """Make stations, and a code file for each: all of them, or none."""
        batch, _ = await cards.pack(session.person.name, new.order(), lambda _: "")
        return _told(batch)

    @router.get("/cards/region")
    async def region_file(_session: ItAdmin) -> RegionFileText:
        """The file that is the same on every card, and lets stations ask to be claimed."""
        return RegionFileText(toml=cards.region_file())

    return router


def _told(batch: Batch) -> MadeCards:
    made = [
        MadeCard(number=one.number, station=one.station, room=one.room, toml=write_code_file(one.code_file))
        for one in batch.cards
    ]
    return MadeCards(site=batch.site, expires=batch.expires, cards=made)
