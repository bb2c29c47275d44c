"""The painted time code: what is painted can be read, whatever happens to the picture in between."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.sim import timecode
from device.hardware.sim.scene import Scene

NOW = 1_800_000_000.123
sizes = st.tuples(st.integers(80, 960).map(lambda n: n * 2), st.integers(60, 540).map(lambda n: n * 2))


def blank(width: int, height: int) -> np.ndarray:
    return np.full((height * 3 // 2, width), 90, dtype=np.uint8)


@given(sizes, st.integers(0, 2**53))
def test_what_is_painted_is_read_at_any_size(size: tuple[int, int], milliseconds: int) -> None:
    width, height = size
    picture = blank(width, height)
    timecode.paint(picture, width, height, milliseconds)
    assert timecode.read(picture[:height]) == milliseconds % timecode.MODULUS


@given(st.integers(0, timecode.MODULUS - 1), st.integers(0, 39))
def test_one_wrong_cell_is_never_believed(milliseconds: int, cell: int) -> None:
    picture = blank(640, 480)
    timecode.paint(picture, 640, 480, milliseconds)
    strip = picture[480 - timecode.strip_height(480) : 480, cell * 16 : cell * 16 + 16]
    strip[:] = 251 - strip  # black (16) and white (235) change places
    assert timecode.read(picture[:480]) is None


@pytest.mark.parametrize("luma", [0, 16, 128, 235, 255])
def test_an_even_picture_has_no_time_code(luma: int) -> None:
    assert timecode.read(np.full((480, 640), luma, dtype=np.uint8)) is None


def test_a_picture_narrower_than_the_code_has_none() -> None:
    assert timecode.read(np.zeros((60, 20), dtype=np.uint8)) is None


@given(st.binary(max_size=400), st.integers(1, 200))
def test_any_picture_can_be_asked(data: bytes, width: int) -> None:
    found = timecode.read(np.resize(np.frombuffer(b"\x00" + data, dtype=np.uint8), (60, width)))
    assert found is None or 0 <= found < timecode.MODULUS


@pytest.mark.parametrize(("milliseconds", "check"), [(0, 0xD1), (0x12345678, 0xCD), (0xFFFFFFFF, 0x0F)])
def test_the_check_is_the_one_a_page_computes(milliseconds: int, check: int) -> None:
    # The CRC by long division of the bits, independently of the shifting loop that is tested.
    remainder = (milliseconds ^ 0xFF000000) << 8
    for shift in range(31, -1, -1):
        if remainder >> (shift + 8) & 1:
            remainder ^= 0x107 << shift
    assert timecode.crc8(milliseconds) == remainder == check


def test_the_geometry_a_page_relies_on_is_as_documented() -> None:
    picture = blank(1280, 720)
    timecode.paint(picture, 1280, 720, 0x80000001)
    luma = picture[:720]
    assert (luma[684:720, :32] == 235).all(), "the most significant bit is the leftmost cell, 1/40 wide and 1/20 high"
    assert (luma[684:720, 32 * 31 : 32 * 32] == 235).all(), "the least significant bit is cell 31"
    assert (luma[684:720, 32 : 32 * 31] == 16).all()
    assert (luma[:684] == 90).all(), "nothing above the strip is touched"
    assert (picture[720:].reshape(2, 360, 640)[:, 342:] == 128).all(), "the strip has no colour"


def test_an_age_is_right_across_the_wrap() -> None:
    now = timecode.MODULUS * 400 / 1000 + 0.25  # a quarter of a second after the counter began anew
    assert timecode.age(timecode.MODULUS - 500, now) == pytest.approx(0.75)
    assert timecode.age(300, now) == pytest.approx(-0.05)


@pytest.mark.long
@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx264", {"preset": "superfast", "tune": "zerolatency"}), ("libvpx", {"deadline": "realtime"})],
)
@pytest.mark.parametrize("shown", [(640, 480), (1280, 720), (320, 180)])
def test_it_survives_a_starved_encoder_and_scaling(codec: str, options: dict[str, str], shown: tuple[int, int]) -> None:
    """150 kbit/s for 1280x720 at 30 is a tenth of what the station sends."""
    scene = Scene(1280, 720)
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, 30), Fraction(30), 150_000
    encoder.options = options
    decoder = av.CodecContext.create("h264" if codec == "libx264" else "vp8", "r")
    sent, read = [], []
    for number in range(20):
        wall = NOW + number / 30
        sent.append(int(wall * 1000) % timecode.MODULUS)
        frame = av.VideoFrame.from_ndarray(scene.paint(wall), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, 30)
        for packet in encoder.encode(frame):
            for decoded in decoder.decode(packet):
                small = decoded.reformat(*shown, "yuv420p").to_ndarray()
                read.append(timecode.read(small[: shown[1]]))
    assert len(read) >= 15
    assert read == sent[: len(read)]
