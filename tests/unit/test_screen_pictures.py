"""From the ring to Qt: the picture's bytes arrive whole, and a bad picture costs nothing but itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtMultimedia import QVideoFrame

from kiosk_ui.screen.errors import BadPicture
from kiosk_ui.screen.pictures import PictureFeed, to_video_frame
from messaging.frames import Picture, RingReader, RingWriter, plane_sizes


class Sink:
    """Takes frames as a QVideoSink does."""

    def __init__(self) -> None:
        self.frames: list[QVideoFrame] = []

    def setVideoFrame(self, frame: QVideoFrame) -> None:  # noqa: N802 - Qt's spelling
        self.frames.append(frame)


def planes(width: int, height: int) -> tuple[bytes, bytes, bytes]:
    return tuple(
        bytes(range(1 + index, 200)) * (size // 100 + 1) for index, size in enumerate(plane_sizes(width, height))
    )  # type: ignore[return-value]


def picture(width: int, height: int) -> Picture:
    sizes = plane_sizes(width, height)
    return Picture(width, height, 1, 1, b"".join(p[:s] for p, s in zip(planes(width, height), sizes, strict=True)))


def drawn(frame: QVideoFrame, index: int, width: int, height: int) -> bytes:
    frame.map(QVideoFrame.MapMode.ReadOnly)
    stride = frame.bytesPerLine(index)
    data = bytes(frame.bits(index))
    frame.unmap()
    return b"".join(data[row * stride : row * stride + width] for row in range(height))


@given(st.integers(1, 40), st.integers(1, 30))
def test_every_plane_reaches_qt_as_it_was_whatever_padding_qt_wants(half_width: int, half_height: int) -> None:
    width, height = half_width * 2, half_height * 2
    source = picture(width, height)
    frame = to_video_frame(source)
    luma, chroma, _ = plane_sizes(width, height)
    assert (frame.width(), frame.height()) == (width, height)
    assert drawn(frame, 0, width, height) == source.planes[:luma]
    assert drawn(frame, 1, half_width, half_height) == source.planes[luma : luma + chroma]
    assert drawn(frame, 2, half_width, half_height) == source.planes[luma + chroma :]


@pytest.mark.parametrize(
    "bad",
    [
        Picture(0, 0, 1, 1, b""),
        Picture(3, 2, 1, 1, b"x" * 9),
        Picture(4, 4, 1, 1, b"x"),
        Picture(4, 4, 1, 1, b"x" * 99),
    ],
)
def test_a_picture_that_is_none_is_refused(bad: Picture) -> None:
    with pytest.raises(BadPicture):
        to_video_frame(bad)


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[RingWriter]:
    ring = RingWriter(tmp_path / "remote.ring", 64, 48)
    yield ring
    ring.close()


def write(ring: RingWriter, width: int = 64, height: int = 48) -> None:
    sizes = plane_sizes(width, height)
    ring.write(width, height, 1, [p[:s] for p, s in zip(planes(width, height), sizes, strict=True)])


def test_a_new_picture_is_shown_once(ring: RingWriter, tmp_path: Path) -> None:
    sink = Sink()
    feed = PictureFeed(RingReader(tmp_path / "remote.ring"), sink)  # type: ignore[arg-type]
    write(ring)
    assert feed.next(lambda: True) is not None
    assert feed.next(lambda: True) is None
    assert [frame.width() for frame in sink.frames] == [64]
    feed.close()


def test_a_picture_that_is_not_wanted_is_taken_off_the_ring_and_never_shown(ring: RingWriter, tmp_path: Path) -> None:
    sink = Sink()
    feed = PictureFeed(RingReader(tmp_path / "remote.ring"), sink)  # type: ignore[arg-type]
    write(ring)
    feed.next(lambda: False)
    assert feed.next(lambda: True) is None
    assert sink.frames == []
    feed.close()


def test_what_was_shown_is_forgotten_once(ring: RingWriter, tmp_path: Path) -> None:
    sink = Sink()
    feed = PictureFeed(RingReader(tmp_path / "remote.ring"), sink)  # type: ignore[arg-type]
    feed.clear()
    assert sink.frames == []
    write(ring)
    feed.next(lambda: True)
    feed.clear()
    feed.clear()
    assert [frame.isValid() for frame in sink.frames] == [True, False]
    feed.close()


class BadThenGood:
    """A ring as a broken writer would leave it."""

    def __init__(self) -> None:
        self._pictures = [Picture(0, 0, 1, 1, b""), Picture(2, 2, 1, 2, b"x"), picture(64, 48)]

    def read(self) -> Picture | None:
        return self._pictures.pop(0) if self._pictures else None


def test_a_bad_picture_is_counted_logged_once_and_the_next_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    feed = PictureFeed(BadThenGood(), sink)  # type: ignore[arg-type]
    assert feed.next(lambda: True) is None
    assert feed.next(lambda: True) is None
    assert feed.next(lambda: True) is not None
    assert feed.refused == 2
    assert len(caplog.records) == 1
    assert len(sink.frames) == 1


@contextmanager
def nobody() -> Iterator[None]:
    """Without root's right to open everything."""
    was = os.geteuid()
    if was:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_the_screens_user_may_only_read_the_ring_and_that_is_enough(
    ring: RingWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "remote.ring").chmod(0o444)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    write(ring)
    reader = RingReader(Path("remote.ring"))
    with nobody():
        seen = reader.read()
        with pytest.raises(PermissionError):
            os.open("remote.ring", os.O_RDWR)
    reader.close()
    assert seen is not None
    assert (seen.width, seen.height) == (64, 48)
