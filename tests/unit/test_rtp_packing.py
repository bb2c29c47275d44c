"""Frames cut into RTP payloads: aiortc's own readers put together what we took apart."""

from __future__ import annotations

import itertools

from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from device.media.rtp.packing import PAYLOAD_MAX, Vp8Packer, pack_h264, pack_opus, packer

KINDS = (1, 5, 6, 7, 8)
lengths = st.one_of(st.integers(2, 40), st.integers(PAYLOAD_MAX - 6, PAYLOAD_MAX + 6), st.integers(2, 9000))


@st.composite
def units(draw: st.DrawFn) -> bytes:
    """A NAL unit without a start code inside, that ends as H.264 says: not in zeros."""
    head = draw(st.sampled_from([importance | kind for importance in (0, 0x20, 0x60) for kind in KINDS]))
    filling = draw(st.integers(1, 255))
    return bytes((head,)) + bytes((filling,)) * (draw(lengths) - 1)


@given(st.lists(units(), min_size=1, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_any_picture_comes_out_as_it_went_in(picture: list[bytes], long_codes: list[bool]) -> None:
    codes = [b"\x00\x00\x00\x01" if long else b"\x00\x00\x01" for long in long_codes]
    data = b"".join(code + unit for code, unit in zip(codes, picture, strict=False))

    payloads = pack_h264(data)

    assert b"".join(map(h264_depayload, payloads)) == b"".join(b"\x00\x00\x00\x01" + unit for unit in picture)
    assert all(0 < len(payload) <= PAYLOAD_MAX for payload in payloads)


@given(units())
def test_a_large_unit_goes_in_as_few_and_as_even_pieces_as_can_be(unit: bytes) -> None:
    payloads = pack_h264(b"\x00\x00\x01" + unit)
    if len(unit) <= PAYLOAD_MAX:
        assert payloads == [unit]
    else:
        sizes = sorted(map(len, payloads))
        assert sizes[-1] - sizes[0] <= 1
        assert len(payloads) == -(-(len(unit) - 1) // (PAYLOAD_MAX - 2))


def test_headers_ride_with_the_key_frame_if_there_is_room() -> None:
    headers = [b"\x67" + b"s" * 20, b"\x68" + b"p" * 5]
    small, large = b"\x65" + b"k" * 100, b"\x65" + b"k" * 3000
    together = pack_h264(b"".join(b"\x00\x00\x00\x01" + unit for unit in (*headers, small)))
    apart = pack_h264(b"".join(b"\x00\x00\x00\x01" + unit for unit in (*headers, large)))
    assert len(together) == 1
    assert [payload[0] & 0x1F for payload in apart] == [24, 28, 28, 28]
    assert together[0][0] & 0x60 == 0x60, "as important as the most important of them"


@given(st.binary(max_size=200))
def test_what_is_no_picture_makes_no_malformed_packet(data: bytes) -> None:
    payloads = pack_h264(data)
    assert all(payloads)
    if b"\x00\x00\x01" not in data:
        assert payloads == []


@given(st.lists(st.integers(1, 6000), min_size=1, max_size=4))
def test_vp8_pictures_are_numbered_and_come_out_as_they_went_in(sizes: list[int]) -> None:
    pack = Vp8Packer()
    numbers = []
    for size in sizes:
        picture = bytes(range(256)) * (size // 256) + bytes(size % 256)
        payloads = pack(picture)
        parsed = [VpxPayloadDescriptor.parse(payload) for payload in payloads]
        assert b"".join(data for _, data in parsed) == picture
        assert [descriptor.partition_start for descriptor, _ in parsed] == [1] + [0] * (len(parsed) - 1)
        assert max(map(len, payloads)) <= PAYLOAD_MAX
        ((number,),) = [{descriptor.picture_id for descriptor, _ in parsed}]
        numbers.append(number)
    steps = [(later - earlier) % (1 << 15) for earlier, later in itertools.pairwise(numbers)]
    assert steps == [1] * (len(numbers) - 1)


def test_sound_goes_as_it_is_and_each_codec_has_its_packer() -> None:
    assert pack_opus(b"opus") == [b"opus"]
    assert pack_opus(b"") == []
    assert packer("H264") is pack_h264
    assert packer("opus") is pack_opus
    assert packer("VP8") is not packer("VP8"), "two streams number their pictures apart"
