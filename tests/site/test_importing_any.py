"""Any table taken in: what is written out is taken in as it was, and what cannot be changes nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from region.registry import Registry
from region.stations.exporting import give_table
from region.stations.importing import BAR, COLUMNS, KINDS, NOBODY, Kind, Taken, take_table
from region.stations.importing.cells import folded
from region.stations.tables import BadTable, write_table
from tests.kits.clock import ManualClock
from tests.kits.servers.databases import ready_sqlite

CLOCK = ManualClock()
Tables = dict[Kind, list[tuple[str, ...]]]
letters = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"], exclude_characters=BAR)
odd = st.sampled_from(["'=1+1", '"', ";", ",", "=", "@", "'", "å", "a\u030a", "👵", "ﬁ", "\u0645", "(none)", "sep="])
names = (
    st.lists(st.one_of(letters, odd), min_size=1, max_size=8)
    .map(lambda some: folded("".join(some)))
    .filter(lambda name: bool(name) and name.isprintable())
)
accounts = st.from_regex(r"[a-z0-9][a-z0-9._@+-]{1,8}", fullmatch=True)


def some(of: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[list[str]]:
    return st.lists(of, min_size=1, max_size=most, unique_by=folded)


@st.composite
def regions(draw: st.DrawFn) -> Tables:
    """Tables that go together, with a row for each thing."""
    clusters, municipalities, sites, clinics = (draw(some(names)) for _ in range(4))
    clinics = [name for name in clinics if name != NOBODY] or ["Bakken"]
    places = draw(st.lists(st.tuples(st.sampled_from(sites), names), max_size=4, unique_by=lambda p: (p[0], p[1])))
    serials = draw(st.lists(st.from_regex(r"[0-9a-f]{4,12}", fullmatch=True), min_size=4, max_size=4, unique=True))

    def one_of(choices: Sequence[str]) -> str:
        return draw(st.sampled_from(choices))

    return {
        "clusters": [(name,) for name in clusters],
        "municipalities": [(name, one_of(["", *clusters])) for name in municipalities],
        "sites": [(name, one_of(["", *municipalities])) for name in sites],
        "rooms": list(places),
        "clinics": [(name, one_of(["", "+45 12 34 56 78"])) for name in clinics],
        "stations": [
            (*place, draw(names), serial, one_of(["", NOBODY, *clinics]), one_of(["", "da", "en"]),
             one_of(["", "0", "100"]), "")
            for place, serial in zip(places, serials, strict=False)
        ],
        "people": [
            (name, one_of(["it_admin", "clinician", "site_staff"]), one_of(clinics), draw(names), "",
             one_of(["", "en"]), BAR.join(sorted({one_of(sites), one_of(sites)})))
            for name in draw(some(accounts))
        ],
    }  # fmt: skip


def on_a_registry(act: Callable[[Registry], Awaitable[None]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            registry = Registry(ready_sqlite(Path(folder)))
            try:
                await act(registry)
            finally:
                await registry.close()

    asyncio.run(run())


async def take(registry: Registry, kind: Kind, rows: Sequence[tuple[str, ...]], *, plain: bool = False) -> Taken:
    return await take_table(registry, CLOCK, "ivan", kind, write_table(COLUMNS[kind], rows, plain=plain))


async def snapshot(registry: Registry) -> dict[Kind, bytes]:
    return {kind: await give_table(registry, kind) for kind in KINDS}


def without_ids(tables: dict[Kind, bytes]) -> dict[Kind, object]:
    return {
        kind: sorted(line.rpartition(b";")[0] if kind == "stations" else line for line in content.splitlines())
        for kind, content in tables.items()
    }


@settings(max_examples=8, deadline=None)
@given(regions(), st.booleans())
def test_written_out_and_taken_in_again_a_region_is_as_it_was(tables: Tables, plain: bool) -> None:
    async def act(registry: Registry) -> None:
        for kind in KINDS:
            taken = await take(registry, kind, tables[kind], plain=plain)
            assert (taken.added, taken.changed) == (len(tables[kind]), 0)
        before = await snapshot(registry)
        for kind in KINDS:
            taken = await take_table(registry, CLOCK, "ivan", kind, await give_table(registry, kind, plain=plain))
            assert (taken.added, taken.changed, taken.same) == (0, 0, len(tables[kind]))
        assert await snapshot(registry) == before

    on_a_registry(act)


@settings(max_examples=4, deadline=None)
@given(regions())
def test_a_table_at_once_comes_to_the_same_as_row_by_row(tables: Tables) -> None:
    found: list[dict[Kind, object]] = []

    async def at_once(registry: Registry) -> None:
        for kind in KINDS:
            await take(registry, kind, tables[kind])
        found.append(without_ids(await snapshot(registry)))

    async def row_by_row(registry: Registry) -> None:
        for kind in KINDS:
            for row in tables[kind]:
                await take(registry, kind, [row])
        found.append(without_ids(await snapshot(registry)))

    on_a_registry(at_once)
    on_a_registry(row_by_row)
    assert found[0] == found[1]


def rows_of(kind: Kind) -> st.SearchStrategy[list[tuple[str, ...]]]:
    """Rows in which little is right: names that there are and that there are not, twice and empty."""
    cell = st.one_of(
        st.sampled_from(["Solgården", "Stue 1", "Bakken", "clinician", "it_admin", "anna", "1000a", "da", "7", ""]),
        st.text(max_size=90),
    )
    return st.lists(st.tuples(*[cell] * len(COLUMNS[kind].all)), max_size=5)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_table_is_taken_whole_or_refused_whole_by_line(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    rows = data.draw(rows_of(kind))

    async def act(registry: Registry) -> None:
        await take(registry, "sites", [("Solgården", "")])
        await take(registry, "clinics", [("Bakken", "")])
        before = await snapshot(registry)
        try:
            taken = await take(registry, kind, rows)
        except BadTable as bad:
            lines = len(write_table(COLUMNS[kind], rows).splitlines()) + 1
            assert bad.faults
            assert all(1 <= one.line <= lines and one.text for one in bad.faults)
            assert {one.column for one in bad.faults} <= {*COLUMNS[kind].all, ""}
            assert await snapshot(registry) == before
        else:
            told = sum(any(cell.strip() for cell in row) for row in rows)
            assert taken.added + taken.changed + taken.same == told

    on_a_registry(act)
