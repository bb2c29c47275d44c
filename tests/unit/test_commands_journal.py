"""The journal: on disk before anything follows, bounded, and never fooled by what it has forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.agent.commands.entry import Entry
from device.agent.commands.errors import JournalUnusable
from device.agent.commands.evidence import Evidence
from device.agent.commands.journal import MOST, Journal
from messaging.command import LONGEST_S, Progress
from tests.kits.examples import examples

STATION = "st-k3m9q2x7"
NOW = 1_800_000_000.0
INIT = Progress("init")
DONE = Progress("successful", figures={"ready": 1.0})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "commands.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(opened(path)) as journal:
        yield journal


def opened(path: Path, present: float = NOW) -> Journal:
    return Journal(path, lambda: present)


def entry(cid: str, issued: float = NOW + 1, **differs: object) -> Entry:
    said: dict[str, object] = {"kind": "volume", "expires": issued + 600, "body": {"percent": 40}, **differs}
    return Entry(cid=cid, station=STATION, issued=issued, **said)  # type: ignore[arg-type]


def test_an_order_is_there_after_a_restart_as_it_came_and_as_far_as_it_got(path: Path, journal: Journal) -> None:
    evidence = Evidence("agent-1", "boot-1", "call-1", "", 5.0)
    journal.accept(entry("a"), INIT, NOW)
    journal.step("a", Progress("executing"), evidence)
    assert journal.attempt("a") == 1
    with closing(opened(path)) as again:
        found = again.find("a")
        assert found is not None
        assert (found.body, found.state, found.evidence, found.attempts) == ({"percent": 40}, "executing", evidence, 1)
        assert again.unfinished(STATION) == [found]
        assert again.unfinished("st-another1") == []
        assert again.attempt("a") == 2
        assert again.find("b") is None


def test_each_state_is_told_once_in_order_and_the_last_again_when_asked(path: Path, journal: Journal) -> None:
    journal.accept(entry("a"), INIT, NOW)
    journal.accept(entry("b"), INIT, NOW)
    journal.step("a", DONE)
    assert [(one.cid, one.progress) for one in journal.untold(STATION)] == [("a", INIT), ("b", INIT), ("a", DONE)]
    assert journal.untold("st-another1") == []
    for one in journal.untold(STATION):
        journal.told(one.number)
    with closing(opened(path)) as again:
        assert again.untold(STATION) == []
        again.tell_again("a")
        assert [(one.cid, one.kind, one.progress) for one in again.untold(STATION)] == [("a", "volume", DONE)]


def test_what_an_order_said_is_forgotten_with_its_end(path: Path, journal: Journal) -> None:
    journal.accept(entry("a", body={"text": "Fru Jensen, kom til kaffe"}), INIT, NOW)
    journal.step("a", DONE)
    assert journal.unfinished(STATION) == []
    found = journal.find("a")
    assert found is not None
    assert found.body == {}
    journal.forget()
    journal.close()
    assert b"Jensen" not in path.read_bytes()


def test_a_journal_that_is_full_forgets_what_was_issued_first_and_takes_it_never_again(journal: Journal) -> None:
    journal.accept(entry("open", NOW + 1), INIT, NOW)
    for number in range(MOST + 5):
        journal.accept(entry(f"c{number}", NOW + 2 + number), Progress("failed", "malformed"), NOW)
    assert journal.find("c0") is None
    assert journal.find("open") is not None, "what is under way is not forgotten"
    forgotten = [number for number in range(MOST + 5) if journal.find(f"c{number}") is None]
    assert forgotten == list(range(6))
    assert journal.floor() == NOW + 2 + forgotten[-1]


def test_what_is_old_is_forgotten_and_raises_the_floor(journal: Journal) -> None:
    journal.accept(entry("a", NOW + 5), DONE, NOW)
    late = NOW + 5 + 600 + LONGEST_S
    journal.accept(entry("b", late), INIT, late)
    assert journal.find("a") is not None
    journal.accept(entry("c", late), INIT, late + 1)
    assert journal.find("a") is None
    assert journal.floor() == NOW + 5


def test_a_wiped_journal_knows_nothing_but_what_must_not_come_again(journal: Journal) -> None:
    journal.accept(entry("a", NOW + 7, kind="wipe"), INIT, NOW)
    assert not journal.retired(STATION)
    journal.step("a", DONE)
    assert journal.retired(STATION)
    journal.forget()
    assert not journal.retired(STATION)
    assert journal.find("a") is None
    assert journal.floor() == NOW + 7


@pytest.mark.parametrize("ruin", [b"\0" * 8192, b"not a database at all" * 400])
def test_a_ruined_journal_is_begun_anew_and_takes_nothing_from_before(path: Path, ruin: bytes) -> None:
    with closing(opened(path)) as first:
        first.accept(entry("a"), INIT, NOW)
    for beside in path.parent.glob("commands.sqlite-*"):
        beside.unlink()
    path.write_bytes(ruin)
    with closing(opened(path, present=NOW + 500)) as again:
        assert again.find("a") is None
        assert again.floor() == NOW + 500
        assert again.set_aside == path.with_suffix(".damaged")
    with closing(opened(path, present=NOW + 900)) as third:
        assert third.floor() == NOW + 500


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    journal = opened(tmp_path / "nowhere" / "commands.sqlite")
    with pytest.raises(JournalUnusable):
        journal.accept(entry("a"), INIT, NOW)


def test_an_id_is_taken_once(path: Path, journal: Journal) -> None:
    journal.accept(entry("a"), INIT, NOW)
    with pytest.raises(JournalUnusable):
        journal.accept(entry("a"), INIT, NOW)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM steps").fetchone() == (1,)


@pytest.mark.long
@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.tuples(st.floats(1, 1e6), st.booleans(), st.floats(0, 1e7)), max_size=20))
def test_whatever_is_forgotten_is_below_the_floor(orders: list[tuple[float, bool, float]]) -> None:
    with TemporaryDirectory() as folder, closing(opened(Path(folder) / "commands.sqlite", 0.0)) as journal:
        for number, (issued, ended, now) in enumerate(orders):
            journal.accept(entry(str(number), issued), DONE if ended else INIT, now)
        floor = journal.floor()
        for number, (issued, _, _) in enumerate(orders):
            assert journal.find(str(number)) is not None or issued <= floor
