"""What a camera offers and what is made of its pictures: drivers of paper, JPEGs of our own."""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed
from device.hardware.linux.decoding import Decoder, from_yuyv
from device.hardware.linux.formats import Offer, choose, fourcc, largest, list_offers, modes, read_offers
from device.hardware.ports import CameraMode
from device.hardware.sim.scene import Scene

sizes = st.sampled_from([(320, 240), (640, 480), (1280, 720), (1920, 1080), (2592, 1944)])
codes, rates = st.sampled_from(["MJPG", "YUYV", "H264"]), st.sampled_from([5, 15, 30, 60])
offers = st.lists(st.builds(lambda code, size, fps: Offer(code, *size, fps), codes, sizes, rates), max_size=12)


class Driver:
    """Answers the three questions as the kernel does, from a list of offers of fixed sizes."""

    def __init__(self, there: list[Offer]) -> None:
        self._there = there

    def ask(self, request: int, buffer: bytearray) -> bool:
        words = struct.unpack_from("=13I" if len(buffer) >= 52 else "=11I", buffer)
        number, index = request & 0xFF, words[0]
        assert request >> 16 & 0x3FFF == len(buffer)
        codes = list(dict.fromkeys(offer.fourcc for offer in self._there))
        if number == 2:
            if index >= len(codes):
                return False
            struct.pack_into("=I", buffer, 44, int.from_bytes(codes[index].encode(), "little"))
            return True
        mine = [offer for offer in self._there if offer.fourcc == fourcc(words[1])]
        if number == 74:
            if index >= len(mine):
                return False
            struct.pack_into("=III", buffer, 8, 1, mine[index].width, mine[index].height)
            return True
        rates = [offer.fps for offer in mine if (offer.width, offer.height) == (words[2], words[3])]
        if index >= len(rates):
            return False
        struct.pack_into("=III", buffer, 16, 1, 1, rates[index])
        return True


@given(offers)
def test_what_the_driver_lists_is_what_is_offered(there: list[Offer]) -> None:
    unique = list({(o.fourcc, o.width, o.height): o for o in there}.values())
    assert sorted(list_offers(Driver(unique).ask), key=str) == sorted(unique, key=str)


def test_a_range_is_its_largest_size_and_the_common_ones_within() -> None:
    def ask(request: int, buffer: bytearray) -> bool:
        number, index = request & 0xFF, buffer[0]
        if index:
            return False
        if number == 2:
            struct.pack_into("=4s", buffer, 44, b"YUYV")
        elif number == 74:
            struct.pack_into("=I6I", buffer, 8, 3, 32, 2592, 2, 32, 1944, 2)
        else:
            struct.pack_into("=I6I", buffer, 16, 2, 1, 30, 1, 1, 0, 0)
        return True

    assert [(o.width, o.height, o.fps) for o in list_offers(ask)] == [
        (2592, 1944, 30), (1920, 1080, 30), (1280, 720, 30), (640, 480, 30),
    ]  # fmt: skip


@given(st.binary(min_size=64, max_size=64))
def test_a_driver_that_answers_anything_for_ever_keeps_nobody(noise: bytes) -> None:
    asked = 0

    def ask(_request: int, buffer: bytearray) -> bool:
        nonlocal asked
        asked += 1
        if asked > 400:  # a whole list a level is bounded by itself; this ends the product of the three
            return False
        buffer[4:] = noise[4 : len(buffer)]
        return True

    list_offers(ask)


@given(offers, sizes, st.sampled_from([15, 30]))
def test_the_choice_is_big_enough_if_any_is_readable_and_never_wastes_pixels(
    there: list[Offer], size: tuple[int, int], fps: int
) -> None:
    mode = CameraMode(*size, fps)
    chosen = choose(there, mode)
    readable = [offer for offer in there if offer.fourcc != "H264"]
    assert (chosen is None) is (not readable)
    if chosen is None:
        return
    assert chosen in readable
    whole = [o for o in readable if o.width >= mode.width and o.height >= mode.height]
    if whole:
        assert chosen.width * chosen.height == min(o.width * o.height for o in whole)
    else:
        assert chosen.width * chosen.height == max(o.width * o.height for o in readable)
    same = [o for o in readable if (o.width, o.height) == (chosen.width, chosen.height)]
    assert min(chosen.fps, fps) == max(min(o.fps, fps) for o in same), "no slower than it must be"
    full = largest(there)
    assert full is not None
    assert (full.width, full.height) == (modes(there)[0].width, modes(there)[0].height)


@pytest.mark.parametrize(
    ("width", "height", "expected"), [(640, 480, "YUYV"), (1280, 720, "MJPG"), (1920, 1080, "MJPG")]
)
def test_raw_is_taken_where_the_bus_carries_it(width: int, height: int, expected: str) -> None:
    there = [Offer(code, width, height, 30) for code in ("YUYV", "MJPG")]
    chosen = choose(there, CameraMode(width, height, 30))
    assert chosen is not None
    assert chosen.fourcc == expected


def test_a_file_that_is_no_camera_is_our_error() -> None:
    assert read_offers("/dev/null") == []
    with pytest.raises(DeviceFailed, match="cannot be asked"):
        read_offers("/dev/no-such-camera")


# Pictures

SCENE = Scene(320, 240).paint(1e9)
BGR = cv2.cvtColor(SCENE, cv2.COLOR_YUV2BGR_I420)


def jpeg(sampling: int) -> np.ndarray:
    done, data = cv2.imencode(".jpg", BGR, [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
    assert done
    return data


def off_by(picture: np.ndarray | None) -> tuple[float, float]:
    """The mean error of luma and chroma."""
    assert picture is not None
    assert picture.shape == SCENE.shape
    error = np.abs(picture.astype(int) - SCENE.astype(int))
    return float(error[:240].mean()), float(error[240:].mean())


@pytest.mark.parametrize(
    "sampling",
    [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ],
)
@pytest.mark.parametrize("shape", [lambda data: data.reshape(1, -1), lambda data: data.reshape(-1, 1)])
def test_a_jpeg_keeps_its_brightness_and_colours(sampling: int, shape: Callable[[np.ndarray], np.ndarray]) -> None:
    luma, chroma = off_by(Decoder().decode(shape(jpeg(sampling))))
    assert luma < 2.5, "full levels taken for video levels would be off by a dozen"
    assert chroma < 2


def test_what_a_buffer_holds_behind_the_picture_does_no_harm() -> None:
    data = np.concatenate([jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422).reshape(-1), np.zeros(5000, np.uint8)])
    assert off_by(Decoder().decode(data))[0] < 2.5


def test_raw_pictures_keep_their_planes() -> None:
    yuyv = np.empty((240, 320, 2), np.uint8)
    yuyv[..., 0] = SCENE[:240]
    chroma = SCENE[240:].reshape(2, 120, 160).repeat(2, axis=1)
    yuyv[:, 0::2, 1], yuyv[:, 1::2, 1] = chroma[0], chroma[1]
    assert np.array_equal(from_yuyv(yuyv), SCENE)
    assert np.array_equal(Decoder().decode(yuyv), SCENE)


@given(st.binary(max_size=300))
def test_a_torn_picture_is_left_out(data: bytes) -> None:
    Decoder().decode(np.frombuffer(data, np.uint8))


def test_a_camera_that_sends_nothing_but_rubbish_is_at_fault_and_one_good_picture_forgives_it() -> None:
    decoder, rubbish = Decoder(), np.zeros(100, np.uint8)
    for _ in range(29):
        assert decoder.decode(rubbish) is None
    assert decoder.decode(jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)) is not None
    for _ in range(29):
        assert decoder.decode(rubbish) is None
    with pytest.raises(DeviceFailed, match="cannot be read"):
        decoder.decode(rubbish)
