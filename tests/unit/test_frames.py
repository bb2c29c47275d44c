"""The picture ring: the newest picture, whole, whatever happens to its writer."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.frames import RingError, RingReader, RingWriter, plane_sizes


def planes(width: int, height: int, value: int) -> list[bytes]:
    return [bytes([value]) * size for size in plane_sizes(width, height)]


def test_a_reader_gets_the_newest_picture_once(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path / "r", 64, 48), RingReader(tmp_path / "r")
    for value in range(1, 8):  # more than the ring holds
        writer.write(64, 48, value * 1000, planes(64, 48, value))
    picture = reader.read()
    assert picture is not None
    assert (picture.width, picture.height, picture.captured_us, picture.sequence) == (64, 48, 7000, 7)
    assert picture.planes == bytes([7]) * sum(plane_sizes(64, 48))
    assert reader.read() is None
    writer.close()
    reader.close()


def test_the_size_may_change_from_one_picture_to_the_next(tmp_path: Path) -> None:
    writer, reader = RingWriter(tmp_path / "r", 64, 48), RingReader(tmp_path / "r")
    for width, height in ((64, 48), (32, 16), (48, 48)):
        writer.write(width, height, 0, planes(width, height, 9))
        picture = reader.read()
        assert picture is not None
        assert (picture.width, picture.height, len(picture.planes)) == (width, height, width * height * 3 // 2)
    writer.close()
    reader.close()


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (0, 48), (128, 96), (-2, 48)])
def test_a_picture_that_does_not_fit_is_refused(tmp_path: Path, width: int, height: int) -> None:
    writer = RingWriter(tmp_path / "r", 64, 48)
    with pytest.raises(RingError):
        writer.write(width, height, 0, planes(2, 2, 0))
    writer.close()


def test_a_reader_waits_for_the_first_writer_and_follows_the_next(tmp_path: Path) -> None:
    reader = RingReader(tmp_path / "r")
    assert reader.read() is None
    first = RingWriter(tmp_path / "r", 64, 48)
    first.write(64, 48, 1, planes(64, 48, 1))
    assert reader.read() is not None
    # The first writer was killed: it never said goodbye.
    second = RingWriter(tmp_path / "r", 64, 48)
    second.write(64, 48, 2, planes(64, 48, 2))
    picture = reader.read()
    assert picture is not None
    assert picture.captured_us == 2
    first.close()  # late, and not its file any more
    assert (tmp_path / "r").exists()
    second.close()
    assert reader.read() is None
    assert not (tmp_path / "r").exists()
    reader.close()


def test_only_the_stations_own_may_look(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "r", 64, 48)
    assert os.stat(tmp_path / "r").st_mode & 0o777 == 0o640  # noqa: PTH116
    writer.close()
    writer.close()  # twice does no harm


@given(st.binary(max_size=400))
def test_a_file_that_is_no_ring_is_not_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("ring") / "r"
    path.write_bytes(content)
    reader = RingReader(path)
    assert reader.read() is None
    reader.close()


@pytest.mark.long
def test_a_picture_is_never_torn(tmp_path: Path) -> None:
    """One thread writes as fast as it can, another reads: every picture read is of one value throughout."""
    writer, reader = RingWriter(tmp_path / "r", 320, 240), RingReader(tmp_path / "r")
    pictures = {value: planes(320, 240, value) for value in range(256)}
    stop = threading.Event()

    def write() -> None:
        value = 0
        while not stop.is_set():
            writer.write(320, 240, value, pictures[value])
            value = (value + 1) % 256

    thread = threading.Thread(target=write)
    thread.start()
    read = 0
    while read < 200:
        picture = reader.read()
        if picture is not None:
            read += 1
            assert picture.planes.count(picture.planes[:1]) == len(picture.planes)
    stop.set()
    thread.join()
    writer.close()
    reader.close()
