"""The outbox: bounded, in order, and begun anew when a power cut has ruined it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.agent.errors import OutboxUnusable
from device.agent.outbox import Kind, Outbox
from tests.kits.examples import examples


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def _payloads(outbox: Outbox) -> list[bytes]:
    return [parcel.payload for parcel in outbox.waiting(most=1000)]


def _filled(path: Path) -> None:
    outbox = Outbox(path)
    for number in range(50):
        outbox.put("event", "t", b"%d" % number * 100)
    outbox.close()


def test_what_was_put_is_there_after_a_restart_in_its_order(path: Path) -> None:
    outbox = Outbox(path)
    outbox.put("measurement", "t/1", b"one")
    outbox.put("event", "t/2", b"two")
    outbox.close()
    again = Outbox(path)
    assert [(parcel.topic, parcel.payload) for parcel in again.waiting()] == [("t/1", b"one"), ("t/2", b"two")]
    again.close()


def test_what_is_done_does_not_come_again(path: Path) -> None:
    outbox = Outbox(path)
    outbox.put("event", "t", b"one")
    outbox.put("event", "t", b"two")
    outbox.done(outbox.waiting()[0].number)
    assert _payloads(outbox) == [b"two"]
    assert outbox.counts() == (1, 0)
    outbox.close()


def test_a_number_is_never_given_twice(path: Path) -> None:
    outbox = Outbox(path)
    outbox.put("event", "t", b"one")
    first = outbox.waiting()[0].number
    outbox.done(first)
    outbox.close()
    again = Outbox(path)
    again.put("event", "t", b"two")
    assert again.waiting()[0].number > first
    again.close()


def test_the_oldest_measurement_goes_first_and_events_last(path: Path) -> None:
    outbox = Outbox(path, most=3)
    outbox.put("event", "t", b"e1")
    for number in (1, 2, 3):
        outbox.put("measurement", "t", b"m%d" % number)
    assert _payloads(outbox) == [b"e1", b"m2", b"m3"]
    for number in (2, 3, 4):
        outbox.put("event", "t", b"e%d" % number)
    assert _payloads(outbox) == [b"e2", b"e3", b"e4"]
    assert outbox.counts() == (3, 4)
    outbox.close()


def test_what_was_dropped_is_remembered_across_a_restart(path: Path) -> None:
    outbox = Outbox(path, most=1)
    outbox.put("measurement", "t", b"one")
    outbox.put("measurement", "t", b"two")
    outbox.close()
    again = Outbox(path, most=1)
    assert again.counts() == (1, 1)
    again.close()


@settings(deadline=None, max_examples=examples(30))
@given(st.lists(st.tuples(st.sampled_from(["measurement", "event"]), st.binary(max_size=60)), max_size=40))
def test_it_is_never_larger_than_allowed_and_an_event_never_goes_before_a_measurement(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[Kind, bytes]]
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("outbox") / "o.sqlite", most=8, most_bytes=200)
    for kind, payload in puts:
        outbox.put(kind, kind, payload)
        kept = outbox.waiting(most=100)
        assert len(kept) <= 8
        assert sum(len(parcel.payload) for parcel in kept) <= 200
        assert [parcel.number for parcel in kept] == sorted(parcel.number for parcel in kept)
    waiting, dropped = outbox.counts()
    assert waiting + dropped == len(puts)
    events = sum(kind == "event" for kind, _ in puts)
    kept_events = sum(parcel.topic == "event" for parcel in outbox.waiting(most=100))
    kept_measurements = waiting - kept_events
    assert kept_events == events or kept_measurements <= 1
    outbox.close()


def _nuls(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _torn(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def _other_file(path: Path) -> None:
    path.write_bytes(b"<html>" * 1000)


@pytest.mark.parametrize("ruin", [_nuls, _torn, _other_file])
def test_a_ruined_database_is_set_aside_loudly_and_begun_anew(
    path: Path, ruin: object, caplog: pytest.LogCaptureFixture
) -> None:
    _filled(path)
    ruin(path)  # type: ignore[operator]
    outbox = Outbox(path)
    outbox.put("event", "t", b"afterwards")
    assert _payloads(outbox) == [b"afterwards"]
    assert outbox.set_aside == path.with_suffix(".damaged")
    assert path.with_suffix(".damaged").exists()
    assert "damaged" in caplog.text
    outbox.close()
    again = Outbox(path)
    assert _payloads(again) == [b"afterwards"]
    assert again.set_aside is None
    again.close()


def test_a_write_ahead_log_of_nuls_costs_at_most_what_was_in_it(path: Path) -> None:
    outbox = Outbox(path)
    for number in range(5):
        outbox.put("event", "t", b"%d" % number)
    log = path.with_name(path.name + "-wal")
    ruined = bytes(log.stat().st_size)
    outbox.close()
    log.write_bytes(ruined)
    again = Outbox(path)
    again.put("event", "t", b"afterwards")
    assert _payloads(again)[-1] == b"afterwards"
    again.close()


def test_a_disk_that_refuses_is_an_error_of_ours_and_not_a_reason_to_begin_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _filled(path)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    outbox = Outbox(path)
    with monkeypatch.context() as patch:

        def refuse(_self: Outbox, _database: sqlite3.Connection) -> None:
            raise full

        patch.setattr(Outbox, "_make_room", refuse)
        with pytest.raises(OutboxUnusable, match="disk is full"):
            outbox.put("event", "t", b"lost")
    assert len(_payloads(outbox)) == 50
    assert outbox.set_aside is None
    outbox.close()


def test_a_directory_in_its_place_is_an_error_of_ours(path: Path) -> None:
    path.mkdir()
    outbox = Outbox(path)
    with pytest.raises(OutboxUnusable):
        outbox.put("event", "t", b"x")


def test_only_its_owner_can_read_it(path: Path) -> None:
    _filled(path)
    assert path.stat().st_mode & 0o777 == 0o600
