"""Cards by the dozen: what is in a batch, what is on its sheet, and that a batch is there whole or not at all."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_hooks.take_code import DROP
from messaging.claim import read_region_file
from messaging.enrolment import CODE_FILE, CodeFile, read_code_file
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import CodeExpired
from provisioning.authority.vault import open_authority
from region import addresses
from region.addresses import Addresses
from region.cli import main
from region.registry import Conflict, Registry, Transaction, Unavailable
from region.registry.store import RegistryEnrolmentStore
from region.stations.cards import Batch, Card, CardService, Order, numbered
from region.stations.sheet import draw_sheet
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import InMemorySigner, make_request

ROOT = "ab" * 32
WHERE = Addresses("https://region.example", "https://region.example:8402", "region.example:8403")
FILE = CodeFile(WHERE.enrol_url, ROOT, "0123456789ABCDEF", "st-k3m9q2x7", WHERE.broker)


class Text(HTMLParser):
    """What a reader of the page sees, label by label."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.labels: list[str] = []
        self.tags: set[str] = set()
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "li":
            self._inside = True
            self.labels.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "li"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.labels[-1] += data + " "


@pytest.fixture
async def site(registry: Registry) -> Registry:
    async with registry.begin() as t:
        await t.sites.add("Solgården", 1.0)
        await t.clinics.add("Bakkens Klinik", "", 1.0)
    return registry


def _service(registry: Registry, clock: ManualClock | None = None) -> CardService:
    return CardService(registry, clock or ManualClock(), ROOT, WHERE)


def _draw(batch: Batch) -> str:
    return draw_sheet(batch, "da")


async def test_each_card_has_a_room_a_station_and_a_file_ready_to_copy(site: Registry, tmp_path: Path) -> None:
    order = Order("Solgården", "Bakkens Klinik", count=3, called="Stue")
    batch = await _service(site).prepare("ivan", order, tmp_path / "cards", _draw)
    assert [(one.number, one.room) for one in batch.cards] == [(1, "Stue 1"), (2, "Stue 2"), (3, "Stue 3")]
    async with site.read() as t:
        stations = {one.id: one for one in await t.stations.all()}
        actions = [row.action for row in await t.audit.recent(50)]
    for card in batch.cards:
        path = tmp_path / "cards" / card.folder / CODE_FILE
        assert read_code_file(path.read_text()) == card.code_file
        assert path.stat().st_mode & 0o777 == 0o600
        assert (stations[card.station].room, stations[card.station].clinic) == (card.room, "Bakkens Klinik")
    assert len({one.code_file.code for one in batch.cards}) == 3
    assert (tmp_path / "cards").stat().st_mode & 0o777 == 0o700
    assert sorted(actions) == sorted(["card.prepare", *["station.add", "code.make"] * 3])
    assert sorted(one.name for one in (tmp_path / "cards").iterdir()) == [
        *(one.folder for one in batch.cards), "sheet.html"
    ]  # fmt: skip


async def test_the_codes_enrol_once_and_only_until_they_expire(site: Registry, tmp_path: Path) -> None:
    clock = ManualClock()
    batch = await _service(site, clock).prepare("ivan", Order("Solgården", count=2, days=3), tmp_path / "cards", _draw)
    authority = open_authority(tmp_path / "ca", clock)
    enrolment = Enrolment(RegistryEnrolmentStore(site, clock), InMemorySigner(authority), clock)
    first, second = batch.cards
    certificate = await enrolment.enrol(first.station, first.code_file.code, make_request(), "a")
    assert certificate.subject.rfc4514_string() == f"CN={first.station}"
    assert batch.expires == batch.made + 3 * 86_400
    await clock.advance(3 * 86_400 + 1)
    with pytest.raises(CodeExpired):
        await enrolment.enrol(second.station, second.code_file.code, make_request(), "a")


async def test_no_code_is_kept_by_the_region_or_told_in_its_audit(site: Registry, tmp_path: Path) -> None:
    batch = await _service(site).prepare("ivan", Order("Solgården", count=1), tmp_path / "cards", _draw)
    async with site.read() as t:
        kept = repr(await t.enrolments.all()) + repr(await t.audit.recent(50))
    assert batch.cards[0].code_file.code not in kept


async def test_a_second_batch_goes_on_where_the_first_ended(site: Registry, tmp_path: Path) -> None:
    service = _service(site)
    await service.prepare("ivan", Order("Solgården", count=2), tmp_path / "one", _draw)
    batch = await service.prepare("ivan", Order("Solgården", count=1), tmp_path / "two", _draw)
    assert batch.cards[0].room == "Room 3"


async def test_stations_known_in_advance_get_cards_and_those_that_have_one_do_not(
    site: Registry, tmp_path: Path
) -> None:
    clock = ManualClock()
    service = _service(site, clock)
    async with site.begin() as t:
        (place,) = await t.sites.all()
        known = await t.stations.add("Stue 9", place.id, None, 1.0, serial="10000000abcd")
    batch = await service.prepare("ivan", Order("Solgården", missing=True), tmp_path / "one", _draw)
    assert [(one.station, one.room, one.serial) for one in batch.cards] == [(known.id, "Stue 9", "10000000abcd")]
    assert "10000000abcd" in Text((tmp_path / "one" / "sheet.html").read_text()).labels[0]
    with pytest.raises(Exception, match="has a code that waits"):
        await service.prepare("ivan", Order("Solgården", missing=True), tmp_path / "two", _draw)
    await clock.advance(31 * 86_400)
    again = await service.prepare("ivan", Order("Solgården", missing=True), tmp_path / "two", _draw)
    assert again.cards[0].code_file.code != batch.cards[0].code_file.code


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (Order("Elsewhere", count=1), "no site Elsewhere"),
        (Order("Solgården", "Nobody", count=1), "no clinic Nobody"),
        (Order("Solgården", count=0), "from 1 to 500"),
        (Order("Solgården", count=501), "from 1 to 500"),
        (Order("Solgården", count=1, days=0), "1 to 365 days"),
        (Order("Solgården", rooms=("A", "A")), "named twice"),
        (Order("Solgården", rooms=("\x07",)), "room"),
        (Order("Solgården", rooms=("Taken",)), "a Taken already"),
        (Order("Solgården", count=1, called=" "), "called"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(
    site: Registry, tmp_path: Path, order: Order, told: str
) -> None:
    async with site.begin() as t:
        (place,) = await t.sites.all()
        await t.stations.add("Taken", place.id, None, 1.0)
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(Exception, match=told):
        await _service(site).prepare("ivan", order, folder / "cards", _draw)
    assert list(folder.iterdir()) == []
    await _assert_only(site, 1)


async def test_nothing_is_overwritten_and_then_nothing_is_made(site: Registry, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "mine").write_text("precious")
    with pytest.raises(Conflict, match="nothing is overwritten"):
        await _service(site).prepare("ivan", Order("Solgården", count=1), tmp_path / "cards", _draw)
    assert (tmp_path / "cards" / "mine").read_text() == "precious"
    await _assert_only(site, 0)


async def test_a_folder_that_comes_in_between_is_not_touched(site: Registry, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()

    def somebody_else_was_faster(batch: Batch) -> str:
        (here / "cards").mkdir()
        (here / "cards" / "theirs").write_text("precious")
        return _draw(batch)

    with pytest.raises(OSError, match="not empty"):
        await _service(site).prepare("ivan", Order("Solgården", count=1), here / "cards", somebody_else_was_faster)
    assert [one.name for one in here.rglob("*")] == ["cards", "theirs"]
    await _assert_only(site, 0)


class FailsToCommit(Registry):
    """Takes everything, and has gone when it should keep it."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        async with super().begin() as t:
            yield t
            raise Unavailable("the database has gone")


async def test_a_disk_that_is_full_leaves_no_station_and_a_database_that_fails_no_card(
    site: Registry, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            await _service(site).prepare("ivan", Order("Solgården", count=2), here / "cards", _draw)
    assert list(here.iterdir()) == []
    await _assert_only(site, 0)

    failing = FailsToCommit(database)
    with pytest.raises(Unavailable):
        await _service(failing).prepare("ivan", Order("Solgården", count=2), here / "cards", _draw)
    await failing.close()
    assert list(here.iterdir()) == []
    await _assert_only(site, 0)


async def test_of_two_batches_at_once_none_gives_a_room_twice(site: Registry, beside: Registry, tmp_path: Path) -> None:
    tries = [
        _service(one).prepare("ivan", Order("Solgården", count=3), tmp_path / name, _draw)
        for one, name in ((site, "one"), (beside, "two"))
    ]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(one, Batch | Conflict) for one in done), done
    batches = [one for one in done if isinstance(one, Batch)]
    async with site.read() as t:
        rooms = [one.room for one in await t.stations.all()]
    assert len(rooms) == len(set(rooms)) == 3 * len(batches) > 0


async def _assert_only(registry: Registry, stations: int) -> None:
    async with registry.read() as t:
        assert await t.stations.count() == stations
        assert await t.enrolments.all() == {}
        assert await t.audit.recent(50) == []


@given(
    st.sampled_from(["Room", "Stue", "A+", "Stue ("]), st.integers(1, 30),
    st.lists(st.one_of(st.text(max_size=12), st.integers(0, 2000).map(lambda n: f"Stue {n}")), max_size=12),
)  # fmt: skip
def test_numbers_go_on_after_the_highest_and_never_meet_a_name_that_is_there(
    called: str, count: int, taken: list[str]
) -> None:
    names = numbered(called, count, taken)
    assert len(set(names)) == count
    assert not set(names) & set(taken)
    numbers = [int(name.removeprefix(f"{called} ")) for name in names]
    assert numbers == list(range(numbers[0], numbers[0] + count))


# --- the sheet ---


def _batch(room: str = "Stue 1", site: str = "Solgården", serial: str | None = None) -> Batch:
    return Batch(site, "", 1_800_000_000.0, 1_802_592_000.0, (Card(1, "st-k3m9q2x7", room, serial, FILE),))


def test_a_label_tells_where_its_card_belongs_and_never_the_code_unless_asked() -> None:
    page = draw_sheet(_batch(serial="10000000abcd"), "da")
    (label,) = Text(page).labels
    for told in ("Solgården", "Stue 1", "Kort 1 af 1", "001-st-k3m9q2x7", "10000000abcd", "senest 2027-02-14"):
        assert told in label
    assert FILE.code not in page.replace(" ", "")
    (asked,) = Text(draw_sheet(_batch(), "en", with_codes=True)).labels
    assert "0123 4567 89AB CDEF" in asked
    assert "Card 1 of 1" in asked


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_breaks_the_page(room: str, site: str) -> None:
    page = Text(draw_sheet(_batch(room, site), "en"))
    assert page.tags == {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "ol", "li", "strong",
                         "small", "code", "br"} - {"br"}  # fmt: skip
    assert len(page.labels) == 1


# --- as somebody types it ---


def _region(data: Path, *words: str, code: int = 0) -> None:
    assert main([*words, "--data", str(data)]) == code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    _region(data, "site", "add", "Solgården")
    addresses.save(data, WHERE)
    return data


def test_forty_cards_in_one_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    into = tmp_path / "cards"
    _region(data, "card", "prepare", "--site", "Solgården", "--count", "40", "--into", str(into), "--json")
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [one["room"] for one in told["cards"]] == [f"Stue {number}" for number in range(1, 41)]
    codes = {read_code_file((into / one["folder"] / CODE_FILE).read_text()) for one in told["cards"]}
    assert len({one.code for one in codes}) == 40
    assert {one.url for one in codes} == {WHERE.enrol_url}
    assert len(Text((into / "sheet.html").read_text()).labels) == 40
    _region(data, "card", "prepare", "--site", "Solgården", "--count", "40", "--into", str(into), code=1)
    assert "nothing is overwritten" in capsys.readouterr().err
    with sqlite3.connect(data / "region.sqlite") as database:
        assert database.execute("SELECT count(*) FROM station").fetchone() == (40,)
    database.close()


def test_cards_whose_buttons_would_call_nobody_are_told_of(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _region(data, "card", "prepare", "--site", "Solgården", "--count", "2", "--into", str(tmp_path / "two"))
    told = capsys.readouterr().out
    assert "2 of the stations have no clinic to call yet: region profile set --site 'Solgården' clinic=NAME" in told
    _region(data, "clinic", "add", "Bakkens Klinik")
    asked = ("--room", "Køkken", "--clinic", "Bakkens Klinik", "--into", str(tmp_path / "one"))
    _region(data, "card", "prepare", "--site", "Solgården", *asked)
    told = capsys.readouterr().out
    assert "Made one card for Solgården" in told
    assert "no clinic" not in told


def test_the_codes_stand_on_the_sheet_only_where_somebody_asks(data: Path, tmp_path: Path) -> None:
    asked = ("--room", "Køkken", "--show-codes", "--language", "en", "--into", str(tmp_path / "cards"))
    _region(data, "card", "prepare", "--site", "Solgården", *asked)
    (card,) = (one for one in (tmp_path / "cards").iterdir() if one.is_dir())
    code = read_code_file((card / CODE_FILE).read_text()).code
    assert code in (tmp_path / "cards" / "sheet.html").read_text().replace(" ", "")


def test_cards_are_not_made_by_a_guess_of_where_the_region_is(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "addresses.json").unlink()
    into = tmp_path / "cards"
    _region(data, "card", "prepare", "--site", "Solgården", "--count", "1", "--into", str(into), code=2)
    assert "region serve" in capsys.readouterr().err
    assert not into.exists()


def test_the_region_file_is_the_same_for_every_card_and_holds_no_secret(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "laegeknap-region.toml"
    _region(data, "card", "region", "--out", str(out))
    written = read_region_file(out.read_text())
    assert (written.url, written.broker) == (WHERE.enrol_url, WHERE.broker)
    assert len(written.ca_sha256) == 64
    capsys.readouterr()
    _region(data, "card", "region")
    assert read_region_file(capsys.readouterr().out) == written
    _region(data, "card", "region", "--out", str(out), code=1)
    assert "nothing is overwritten" in capsys.readouterr().err


def test_the_file_has_the_name_that_the_station_looks_for() -> None:
    assert Path(DROP).name == CODE_FILE
