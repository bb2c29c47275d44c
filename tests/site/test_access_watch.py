"""What the command line takes from somebody reaches the pages that are open, at once, on both databases."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from region.cli import main
from region.people.service import PeopleService, Wanted
from region.registry import Registry, Unavailable
from region.web.access import LOOK_EVERY_S, AccessWatch, lease_of
from region.web.events import Hub, Lease
from tests.kits.clock import ManualClock

TABLE = "name;role;sites\nsara;site_staff;Solgården|Månelyst\nsofie;site_staff;Solgården\n"


@dataclass
class Open:
    """A region's pages, one of sara's and one of sofie's; `asked` are those whose page was looked at."""

    registry: Registry
    data: Path
    database: str
    clock: ManualClock = field(default_factory=ManualClock)
    asked: list[str] = field(default_factory=list)
    streams: list[AsyncGenerator[str, None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hub = Hub(self.clock)
        self.watch = AccessWatch(self.registry, self.hub, self.clock)

    async def command(self, *words: str) -> None:
        """By another process would be the same: nothing of this one is told."""
        given = [*words, "--json", "--data", str(self.data), "--database", self.database]
        assert await asyncio.to_thread(main, given) == 0

    async def listen(self, name: str, person_id: int) -> None:
        async def holds() -> bool:
            self.asked.append(name)
            return True

        stream = self.hub.stream([f"page:{name}"], Lease(holds, lease_of(person_id)))
        await anext(stream)
        self.streams.append(stream)

    async def look(self) -> list[str]:
        """Whose page is looked at by one look."""
        self.asked.clear()
        await self.watch.look()
        await self.hub.settled()
        return self.asked


@pytest.fixture
async def pages(registry: Registry, database: str, tmp_path: Path) -> AsyncIterator[Open]:
    pages = Open(registry, tmp_path, database)
    service = PeopleService(registry, pages.clock)
    async with registry.begin() as t:
        sites = [(await t.sites.add(name, 1.0)).id for name in ("Solgården", "Månelyst")]
    for name in ("sara", "sofie"):
        person = await service.add("ivan", name, Wanted("site_staff", sites=tuple(sites[:1])))
        await pages.listen(name, person.id)
    assert await pages.look() == [], "what was done before it began is seen by each page itself"
    yield pages
    for stream in pages.streams:
        await stream.aclose()


@pytest.mark.parametrize(
    "words",
    [
        ("user", "block", "sara"), ("user", "sign-out", "sara"), ("user", "reset-second-step", "sara"),
        ("user", "set", "sara", "--site", "Månelyst"), ("user", "set", "sara", "--role", "evaluator"),
        ("user", "password", "sara", "--stdin"), ("import", "{table}"),
    ],
    ids=lambda words: " ".join(words[:2]),
)  # fmt: skip
async def test_the_pages_of_that_person_are_looked_at_once_and_no_others(
    pages: Open, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pages.data / "people.csv"
    table.write_text(TABLE)
    monkeypatch.setattr("sys.stdin", io.StringIO("et-godt-kodeord-her\n"))
    await pages.command(*(word.format(table=table) for word in words))
    assert await pages.look() == ["sara"]
    assert await pages.look() == []


async def test_what_changes_nothing_for_anybody_costs_no_look_at_a_page(pages: Open) -> None:
    await pages.command("user", "list")
    await pages.command("clinic", "add", "Bakken")
    await pages.command("user", "add", "eva", "--role", "evaluator")
    assert await pages.look() == []


async def test_it_looks_each_second_and_goes_on_when_the_database_was_away(
    pages: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[float] = []

    async def look() -> None:
        looks.append(pages.clock.monotonic())
        if len(looks) == 2:
            raise Unavailable("away")

    monkeypatch.setattr(pages.watch, "look", look)
    running = asyncio.create_task(pages.watch.run())
    await pages.clock.advance(3 * LOOK_EVERY_S)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert looks == [0.0, 1.0, 2.0, 3.0]
    assert "is looked up later: away" in caplog.text


async def test_a_log_that_is_shorter_than_it_was_is_read_from_where_it_ends(pages: Open) -> None:
    async with pages.registry.read() as t:
        last, _ = await t.audit.people_since(None)
        assert await t.audit.people_since(last + 50) == (last, frozenset())
        assert await t.audit.people_since(0) == (last, frozenset({"sara", "sofie"}))
