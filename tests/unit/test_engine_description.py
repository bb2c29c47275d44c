"""Offers and answers as text: what is added, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from device.call.peer_description import (
    Answer,
    read_answer,
    read_candidate,
    with_sound_repairs,
    with_start_bitrate,
)
from device.media.errors import BadDescription, Flood
from messaging.call import MAX_CANDIDATES
from tests.kits.examples import examples

CANDIDATE = "1 1 udp 2113937151 192.0.2.1 50000 typ host"


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """An offer of aiortc's and an answer to it (module scope: hypothesis tries many)."""

    async def make() -> tuple[str, str]:
        ours, theirs = RTCPeerConnection(RTCConfiguration([])), RTCPeerConnection(RTCConfiguration([]))
        ours.addTransceiver("audio").setCodecPreferences(
            [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]
        )
        ours.addTransceiver("video")
        ours.createDataChannel("control", negotiated=True, id=0)
        await ours.setLocalDescription(await ours.createOffer())
        await theirs.setRemoteDescription(ours.localDescription)
        await theirs.setLocalDescription(await theirs.createAnswer())
        texts = ours.localDescription.sdp, theirs.localDescription.sdp
        await ours.close()
        await theirs.close()
        return texts

    return asyncio.run(make())


def test_the_offer_tells_every_h264_where_to_begin_and_nothing_else(pair: tuple[str, str]) -> None:
    offer = with_start_bitrate(pair[0], 400, 1800)
    told = [line for line in offer.splitlines() if "x-google-start-bitrate=400;x-google-max-bitrate=1800" in line]
    assert len(told) == 2
    assert all("profile-level-id=" in line for line in told)
    assert re.sub(r";x-google-(start|max)-bitrate=\d+", "", offer) == pair[0]
    assert SessionDescription.parse(offer)


def test_the_offer_asks_for_sound_that_can_be_repaired_and_changes_nothing_else(pair: tuple[str, str]) -> None:
    offer = with_sound_repairs(pair[0])
    audio = SessionDescription.parse(offer).media[0]
    opus = next(codec for codec in audio.rtp.codecs if codec.mimeType == "audio/opus")
    assert opus.parameters["useinbandfec"] == 1
    assert re.sub(r"a=fmtp:\d+ minptime=10;useinbandfec=1\r\n", "", offer) == pair[0]


def test_an_answer_is_taken_apart_from_its_candidates(pair: tuple[str, str]) -> None:
    offer, sdp = pair
    sdp = sdp.replace("a=ice-ufrag", f"a=candidate:{CANDIDATE}\r\na=ice-ufrag")  # the same one in each section
    answer = read_answer(sdp, offer)
    assert answer.candidates.count(CANDIDATE) == 1
    assert answer.complete
    assert "candidate" not in answer.sdp
    assert isinstance(answer, Answer)
    assert RTCSessionDescription(answer.sdp, "answer")


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"a=ice-ufrag:.*", "a=ice-ufrag:a b"),
        (r"a=ice-pwd:.*\r\n", ""),
        (r"a=setup:active", "a=setup:actpass"),
        (r"a=fingerprint:\S+ .*", "a=fingerprint:md5 AA:BB"),
        (r"a=fingerprint:(sha-\d+) .*", r"a=fingerprint:\1 zz"),
        (r"a=rtcp-mux\r\n", ""),
        (r"a=mid:1", "a=mid:7"),
        (r"a=group:BUNDLE.*\r\n", ""),
        (r"a=extmap:\d+ ", "a=extmap:77 "),
        (r"opus/48000", "opus/8000"),
        (r"(H264|VP8)/90000", "H266/90000"),
        (r"a=sctp-port:5000", "a=sctp-port:0"),
        (r"m=application .*", "m=application 9 DTLS/SCTP 5000"),
    ],
)
def test_an_answer_that_would_not_work_is_refused(pair: tuple[str, str], pattern: str, replacement: str) -> None:
    offer, sdp = pair
    changed = re.sub(pattern, replacement, sdp)
    assert changed != sdp
    with pytest.raises(BadDescription):
        read_answer(changed, offer)


def test_an_answer_with_too_many_candidates_is_a_flood(pair: tuple[str, str]) -> None:
    offer, sdp = pair
    many = "".join(f"a=candidate:1 1 udp 1 192.0.2.1 {port} typ host\r\n" for port in range(1, MAX_CANDIDATES + 2))
    with pytest.raises(Flood):
        read_answer(sdp.replace("a=ice-ufrag", many + "a=ice-ufrag", 1), offer)


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_an_answer_with_bytes_changed_is_taken_or_refused_as_ours(
    pair: tuple[str, str], seed: int, changes: int
) -> None:
    offer, sdp = pair
    chance = random.Random(seed)
    text = list(sdp)
    for _ in range(changes):
        at = chance.randrange(len(text))
        text[at : at + chance.randrange(3)] = chance.choice(
            ["", "\r\n", "\x00", "a=", "99999999999", "é", text[at] * 2]
        )
    with contextlib.suppress(BadDescription):
        read_answer("".join(text), offer)


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_an_answer_with_lines_shuffled_is_taken_or_refused_as_ours(pair: tuple[str, str], data: st.DataObject) -> None:
    offer, sdp = pair
    lines = data.draw(st.lists(st.sampled_from(sdp.splitlines()), max_size=60))
    with contextlib.suppress(BadDescription):
        read_answer("\r\n".join(lines), offer)


@given(st.text())
def test_any_text_is_refused_as_ours(pair: tuple[str, str], text: str) -> None:
    with pytest.raises(BadDescription):
        read_answer(text, pair[0])


@pytest.mark.parametrize("prefix", ["", "candidate:"])
def test_a_candidate_is_read_with_and_without_its_prefix(prefix: str) -> None:
    candidate = read_candidate(prefix + CANDIDATE)
    assert (candidate.ip, candidate.port, candidate.type) == ("192.0.2.1", 50000, "host")
    assert read_candidate("1 1 udp 1 6a1f9e6c-0b0d-4f5e-9c1f-0123456789ab.local 9 typ host").ip.endswith(".local")


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "1 1 udp 1 example.com 50000 typ host",
        "1 1 udp 1 192.0.2.1 70000 typ host",
        "1 9 udp 1 192.0.2.1 50000 typ host",
        "1 1 udp -1 192.0.2.1 50000 typ host",
        "1 1 udp 1 " + "a" * 70 + ".local 50000 typ host",
    ],
)
def test_what_is_no_candidate_is_refused(text: str) -> None:
    with pytest.raises(BadDescription):
        read_candidate(text)


@given(st.one_of(st.text(), st.lists(st.sampled_from([*CANDIDATE.split(), "raddr", "rport", "²", "-1"])).map(" ".join)))
def test_any_text_is_a_candidate_or_refused_as_ours(text: str) -> None:
    with contextlib.suppress(BadDescription):
        read_candidate(text)
