"""Two hours of call time at speed: what is kept stays bounded, counters wrap, and sound and picture do not part.

The parts that remember something are put together as in a call, on a clock that a loop turns and over a line that
loses, delays and mixes up packets by a seed. What they hold is measured by walking everything that can be reached from
them. Play-out has its own hours in test_media_playout.py, as have a call's statistics; `make soak` is the whole, live.
"""

from __future__ import annotations

import gc
import heapq
import random
import struct
import sys
from collections.abc import Iterator
from itertools import count
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPacket, RtcpSrPacket, RtpPacket, unwrap_rtx

from device.media.rate.control import RateControl
from device.media.receiving.bandwidth import BandwidthEstimator
from device.media.receiving.freezes import FreezeMeter
from device.media.receiving.key_requests import KeyRequests, Sight
from device.media.receiving.losses import LossTracker
from device.media.receiving.picture_buffer import PictureBuffer
from device.media.rtp import stream as stream_module
from device.media.rtp.header import ABS_SEND_TIME, MID, Wire
from device.media.rtp.pacer import Pacer
from device.media.rtp.repairs import MOST_BYTES, MOST_PACKETS
from device.media.rtp.stream import Stream

HOURS_S = 2 * 3600
WARM_S = 600
SLACK = 64 * 1024  # bytes that what is held may breathe: dictionaries grow by doubling
PICTURE = Wire("H264", 99, 90_000, 1234, 5678, 100, "room", "1", {MID: 1, ABS_SEND_TIME: 3})
SOUND = Wire("opus", 96, 48_000, 4321, 8765, None, "room", "0")
CODEC = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90_000, payloadType=99)
FPS, KEY_EVERY = 8, 80
KEY, OTHER = (
    b"\x00\x00\x00\x01\x67" + b"s" * 20 + b"\x00\x00\x00\x01\x65" + b"k" * 2000,
    b"\x00\x00\x00\x01\x41" + b"p" * 1500,
)
WRAPS_IN_S = 1800
_NOT_HELD = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def held(*parts: object) -> int:
    """Bytes of everything that can be reached from these."""
    seen, waiting, size = set[int](), list(parts), 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_HELD):
            continue
        seen.add(id(one))
        size += sys.getsizeof(one)
        waiting.extend(gc.get_referents(one))
    return size


def test_what_is_held_is_what_can_be_reached() -> None:
    """The measure itself: a leak of a few bytes a second would show."""
    leaking = {"log": [bytes(100) + bytes([n % 256]) for n in range(HOURS_S)]}
    assert held(leaking) - held({"log": []}) > HOURS_S * 100 > SLACK


@pytest.fixture
def near_the_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the 16 bits of numbers and the 32 bits of the 90 kHz clock wrap within the run, the clock once."""

    class Draws:
        @staticmethod
        def randbits(bits: int) -> int:
            return (1 << bits) - WRAPS_IN_S * 90_000

        @staticmethod
        def randbelow(below: int) -> int:
            return below - 1

    monkeypatch.setattr(stream_module, "secrets", Draws)


class Way:
    """A line: each datagram is lost, or comes after its time, give or take some, so that some overtake others."""

    def __init__(self, seed: int, loss: float) -> None:
        self._random = random.Random(seed)
        self._loss = loss
        self._under_way: list[tuple[float, int, Any]] = []
        self._order = count()

    def put(self, now: float, what: Any) -> None:
        late = 0.03 + 0.02 * self._random.random()
        if self._random.random() >= self._loss:
            heapq.heappush(self._under_way, (now + late, next(self._order), what))

    def due(self, now: float) -> Iterator[tuple[float, Any]]:
        while self._under_way and self._under_way[0][0] <= now:
            at, _, what = heapq.heappop(self._under_way)
            yield at, what


class Pictures:
    """A sender of pictures, and a receiver that asks for what is lost."""

    def __init__(self) -> None:
        self.stream = Stream(PICTURE, 0.0, 0.0)
        self.stream.repairs.set_budget(1_000_000)
        self.pacer = Pacer(1_000_000, 1500, 0.0)
        self.buffer, self.losses = PictureBuffer(), LossTracker()
        self.line, self.freezes, self.keys = BandwidthEstimator(2_000_000), FreezeMeter(), KeyRequests()
        self.there, self.back = Way(3, 0.02), Way(4, 0.02)
        self.shown = self.key_frames_asked = self.most_waiting = 0
        self.numbers = set[int]()  # the upper byte of each that came: all of them, if they wrapped
        self.timestamps: list[int] = []
        self._map = HeaderExtensionsMap()
        known = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in PICTURE.extensions.items()]
        self._map.configure(RTCRtpParameters(headerExtensions=known))

    @property
    def parts(self) -> tuple[object, ...]:
        return (self.stream, self.pacer, self.buffer, self.losses, self.line, self.freezes, self.keys)

    def picture(self, number: int, now: float) -> None:
        key = number % KEY_EVERY == 0
        self.stream.take(KEY if key else OTHER, number * 90_000 // FPS, key, now)
        while self.stream.waiting:
            assert self.pacer.may_send(now), "the pace is wide enough for all of it"
            packet = self.stream.next(now)
            self.pacer.sent(len(packet))
            self.there.put(now, packet)

    def turn(self, now: float) -> None:
        """What has arrived at either end by now."""
        for at, data in self.there.due(now):
            self._receive(data, at)
        if lost := self.losses.due(now):
            self.back.put(now, lost)
        for at, numbers in self.back.due(now):
            verdict = self.stream.repairs.asked(numbers, 0.08, at)
            for number in verdict.again:
                self.there.put(at, self.stream.again(number, at))
        self._show(self.buffer.look(now, self.losses.patience), now)
        self.line.look(now, self.losses.expected, self.losses.lost, self.losses.round_trip)
        hurt = self.buffer.take_hurt()
        sight = Sight(hurt, hurt, False, now, now, now, True)
        self.key_frames_asked += self.keys.look(sight, now)
        self.most_waiting = max(self.most_waiting, self.buffer.waiting)

    def _receive(self, data: bytes, now: float) -> None:
        packet = RtpPacket.parse(data, self._map)
        self.line.packet(packet.extensions.abs_send_time or 0, now, len(data))
        repair = packet.ssrc != PICTURE.ssrc
        if repair:
            packet = unwrap_rtx(packet, payload_type=99, ssrc=PICTURE.ssrc)
        self.losses.take(packet.sequence_number, now, repair)
        packet._data = depayload(CODEC, packet.payload)  # type: ignore[attr-defined]
        self.numbers.add(packet.sequence_number >> 8)
        self.timestamps[:] = [*self.timestamps[-1:], packet.timestamp]
        self._show(self.buffer.add(packet, now, self.losses.patience), now)
        if (number := self.buffer.next_number) is not None:
            self.losses.give_up_before(number)

    def _show(self, pictures: list[bytes], now: float) -> None:
        for _ in pictures:
            self.shown += 1
            self.freezes.picture(now)


@pytest.mark.long
@pytest.mark.usefixtures("near_the_wrap")
def test_two_hours_of_pictures_over_a_lossy_line() -> None:
    call, sizes, wrapped = Pictures(), list[int](), 0
    for number in range(HOURS_S * FPS):
        now = number / FPS
        before = call.timestamps[-1:]
        call.picture(number, now)
        for part in range(1, 5):
            call.turn(now + part / FPS / 4.01)
        wrapped += bool(before) and call.timestamps[-1] < before[0] - 2**31
        if number % (60 * FPS) == 0 and now >= WARM_S:
            sizes.append(held(*call.parts))

    assert max(sizes) < sizes[0] + SLACK, "memory is bounded"
    assert max(sizes) < MOST_BYTES + MOST_PACKETS * 512 + 4 * SLACK
    assert call.numbers == set(range(256))
    assert wrapped == 1
    assert call.shown > 0.995 * HOURS_S * FPS, "what is lost is repaired to the end"
    assert call.losses.recovered > 0.95 * call.losses.lost > 0.015 * call.losses.expected
    assert call.losses.expected == pytest.approx(call.stream.packets, abs=64), "no wrap is taken for a loss"
    assert call.most_waiting < 64
    assert call.freezes.total(HOURS_S)[1] < 0.01 * HOURS_S
    assert call.line.rate > 500_000, "two hours have not worn the estimate down"


@pytest.mark.usefixtures("near_the_wrap")
@pytest.mark.parametrize("ppm", [-100, 100])
def test_in_two_hours_sound_and_picture_do_not_part_though_the_sound_card_is_off(ppm: int) -> None:
    """By the sender reports, as a browser does: the moment of the sound and of the picture that belong together."""
    draws = random.Random(ppm)
    sound, pictures = Stream(SOUND, 0.0, 0.0), Stream(PICTURE, 0.0, 0.0)
    apart, lost = [], 0
    origins = {"sound": sound._origin, "pictures": pictures._origin}
    for second in range(HOURS_S):
        if second % 600 == 300:
            lost += 5  # the machine had no time for a twentieth of a second: so much sound was never read
        for tenth in range(0, 10, 2):
            now = second + tenth / 10
            read = int((now - lost * 0.01) * 48_000 * (1 + ppm / 1e6))  # by the card's own count
            sound.take(b"opus", read, False, now + draws.expovariate(200))
            sound.next(now)
            pictures.take(OTHER[:200], int(now * 90_000), False, now + 0.03 + draws.expovariate(100))
            pictures.next(now)
        moment = second + 0.9
        told = {}
        for name, stream in (("sound", sound), ("pictures", pictures)):
            report = RtcpPacket.parse(stream.report(moment))[0]
            assert isinstance(report, RtcpSrPacket)
            ticks = (report.sender_info.rtp_timestamp - origins[name]) & 0xFFFF_FFFF
            told[name] = ticks / stream.wire.clock_rate
        # What the microphone truly heard at the reported moment, by its own count, against what the report says.
        heard = (moment - lost * 0.01) * (1 + ppm / 1e6)
        apart.append((told["sound"] - heard) - (told["pictures"] - moment))

    settled = [abs(one - apart[WARM_S]) for at, one in enumerate(apart) if at % 600 not in range(300, 330)]
    first, last = sorted(apart[300 - 60 : 300]), sorted(apart[-60:])
    assert abs(last[30] - first[30]) < 0.01, "two hours have moved nothing"
    assert max(settled[WARM_S:]) < 0.02
    assert max(map(abs, apart[10:])) < 0.09, "nor do missed blocks for long"
    assert held(sound, pictures) < MOST_PACKETS * 1024


def test_two_hours_of_feedback_do_not_grow_the_rate_control() -> None:
    draws, control, sizes = random.Random(5), RateControl(1_800_000, 1280, 720, 30, 0.0), list[int]()
    rates = []
    for fifth in range(HOURS_S * 5):
        now = fifth / 5
        evil = 600 < now % 1200 < 700  # a bad minute and a half now and then
        control.on_queue(draws.random() * 0.05, now)
        if draws.random() < 0.3:
            control.on_nacks(draws.randrange(1, 4), now)
        if fifth % 5 == 0:
            control.on_report(0.12 if evil else 0.01 * draws.random(), 0.005, 0.06 + (0.3 if evil else 0.0), now)
            control.on_remb(400_000 if evil else 2_500_000, now)
        budget = control.look(now)
        if now >= WARM_S and fifth % 300 == 0:
            sizes.append(held(control))
        if now % 1200 > 1190:
            rates.append(budget.video_bps)
    assert max(sizes) < sizes[0] + 4096
    assert min(rates) == pytest.approx(max(rates), rel=0.1), "the last hour's line is as wide as the first's"
    assert min(rates) > 1_000_000


def test_an_abs_send_time_that_wraps_a_hundred_times_is_no_full_line() -> None:
    line, sizes = BandwidthEstimator(2_000_000), list[int]()
    for number in range(HOURS_S * 10):
        now = number / 10 * (1 + 50e-6)  # the two crystals differ
        stamp = struct.unpack("!I", struct.pack("!I", int(number / 10 * 2**18) & 0xFFFFFF))[0]
        line.packet(stamp, 1000.0 + now, 1200)
        line.look(1000.0 + now, number, 0, 0.05)
        if number % 600 == 0 and now > WARM_S:
            sizes.append(held(line))
    assert line.cuts == 0
    assert max(sizes) < sizes[0] + 4096
