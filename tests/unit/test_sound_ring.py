"""The ring that carries the simulated speaker's sound to the front panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.sound import SoundRingReader, SoundRingWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "speaker.ring"


def pcm(start: int, count: int) -> bytes:
    return b"".join((n % 30000).to_bytes(2, "little") for n in range(start, start + count))


def test_without_a_writer_there_is_silence(path: Path) -> None:
    assert SoundRingReader(path).read() == b""


def test_what_is_written_is_read_once(path: Path) -> None:
    writer, reader = SoundRingWriter(path), SoundRingReader(path)
    assert reader.read() == b""
    writer.write(pcm(0, 480))
    writer.write(pcm(480, 480))
    assert reader.read() == pcm(0, 960)
    assert reader.read() == b""
    writer.close()
    reader.close()


def test_a_reader_that_comes_late_does_not_hear_the_past(path: Path) -> None:
    writer = SoundRingWriter(path)
    writer.write(pcm(0, 480))
    reader = SoundRingReader(path)
    assert reader.read() == b""
    writer.write(pcm(480, 10))
    assert reader.read() == pcm(480, 10)
    writer.close()
    reader.close()


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60))
def test_a_reader_gets_everything_in_order_or_knows_how_much_it_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool]]
) -> None:
    path = tmp_path_factory.mktemp("ring") / "r"
    writer = SoundRingWriter(path, rate=100, seconds=1)  # 100 samples
    reader = SoundRingReader(path)
    reader.read()
    written, heard = 0, 0
    for count, read in steps:
        writer.write(pcm(written, count))
        written += count
        if read:
            got = reader.read()
            heard += len(got) // 2
            assert heard + reader.lost == written
            assert got == pcm(written - len(got) // 2, len(got) // 2)
    writer.close()
    reader.close()


def test_a_slow_reader_gets_the_newer_half_and_the_count_of_what_it_lost(path: Path) -> None:
    writer, reader = SoundRingWriter(path, rate=100, seconds=1), SoundRingReader(path)
    reader.read()
    for start in range(0, 300, 50):
        writer.write(pcm(start, 50))
    assert reader.read() == pcm(250, 50)
    assert reader.lost == 250
    writer.close()
    reader.close()


@pytest.mark.parametrize("bad", [b"x", bytes(2 * 101)])
def test_what_is_no_sound_or_too_much_at_once_is_refused(path: Path, bad: bytes) -> None:
    writer = SoundRingWriter(path, rate=100, seconds=1)
    with pytest.raises(ValueError, match="samples"):
        writer.write(bad)
    writer.close()


def test_closing_removes_the_file_and_a_new_writer_is_noticed(path: Path) -> None:
    writer, reader = SoundRingWriter(path), SoundRingReader(path)
    reader.read()
    writer.close()
    assert not path.exists()
    assert reader.read() == b""
    successor = SoundRingWriter(path, rate=16_000)
    assert reader.read() == b""
    successor.write(pcm(0, 7))
    assert reader.read() == pcm(0, 7)
    assert reader.rate == 16_000
    successor.close()
    reader.close()


def test_a_writer_that_was_killed_is_replaced_and_its_late_close_harms_nobody(path: Path) -> None:
    killed, reader = SoundRingWriter(path), SoundRingReader(path)
    reader.read()
    successor = SoundRingWriter(path)
    reader.read()
    killed.close()
    successor.write(pcm(0, 5))
    assert reader.read() == pcm(0, 5)
    successor.close()
    reader.close()


@given(st.binary(max_size=300))
def test_a_file_that_is_no_ring_is_silence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("ring") / "r"
    path.write_bytes(data)
    assert SoundRingReader(path).read() == b""


@given(st.integers(0, 63), st.binary(min_size=1, max_size=8))
def test_a_ring_with_a_broken_header_is_silence_or_sound_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("ring") / "r"
    writer = SoundRingWriter(path, rate=100, seconds=1)
    writer.write(pcm(0, 50))
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    reader = SoundRingReader(path)
    assert isinstance(reader.read(), bytes)
    assert len(reader.read()) <= 200
    reader.close()
    writer.close()


def test_others_cannot_listen(path: Path) -> None:
    writer = SoundRingWriter(path)
    assert path.stat().st_mode & 0o777 == 0o640
    writer.close()
