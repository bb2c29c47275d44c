"""Everything that one peer is sent, over one line: sound at once, pictures as the line allows, repairs within bounds.

Runs on the loop. There is no task and no timer a packet: what the line has room for leaves in the call that brings it.
"""

from __future__ import annotations

import asyncio
import functools
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import av
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from device.media.fanout import Outlet
from device.media.rate import Budget
from device.media.rate.shares import HEADERS
from device.media.rtp.header import Wire
from device.media.rtp.pacer import Pacer
from device.media.rtp.reports import goodbye, names
from device.media.rtp.stream import Stream
from messaging.clock import Clock

LOOK_S = 0.2
_REPORT_S = (0.5, 1.5)  # between sender reports, at random: RFC 3550, 6.3.1
_MOST_BACKLOG_S = 0.2  # of pictures in a relay's TCP connection; more waits with us, where sound can overtake it
_TOLD_S, _TOLD_PACKETS = 0.4, 20  # reports come with every NACK: sooner, or on fewer packets, one says nothing
_TOLD_AT_ANY_RATE_S = 0.9
_SOUND_REPORT_AFTER_S = 2.5  # without a report on pictures, one on sound will do

Kind = Literal["audio", "video"]


class Line(Protocol):
    """Where packets go."""

    def send(self, packet: bytes) -> bool:
        """Encrypt and send a packet of RTP or RTCP; False if there is no connection (any more)."""

    def backlog(self) -> int:
        """Bytes that have been sent and are still with us."""


class Control(Protocol):
    """What decides how much to send: device.media.rate.RateControl."""

    def on_remb(self, bps: int, now: float) -> None:
        """The other side can take so much."""

    def on_report(self, loss: float, jitter_s: float, rtt_s: float | None, now: float) -> None:
        """A receiver report."""

    def on_queue_back(self, seconds: float) -> None:
        """So long a queue stands on the way from the other side to us."""

    def on_sent(self, bits: int) -> None:
        """So many bits have left since this was last said, headers and all."""

    def on_nacks(self, count: int, now: float) -> None:
        """So many packets were asked for again."""

    def on_queue(self, seconds: float, now: float) -> None:
        """What waits here takes so long to leave."""

    def look(self, now: float) -> Budget:
        """What may be sent now."""


@dataclass(frozen=True)
class SendingFigures:
    """Numbers since the peer began: packets and bytes of payload; seconds; `loss` a share (0 to 1)."""

    sound_packets: int = 0
    sound_bytes: int = 0
    picture_packets: int = 0
    picture_bytes: int = 0
    pictures: int = 0
    key_frames: int = 0
    key_frames_asked: int = 0  # by the other side, or because a repair came too late
    repaired: int = 0  # packets sent again
    repairs_refused: int = 0  # asked for, but too late, too often or too many
    round_trip_s: float | None = None  # the last one measured
    loss: float = 0.0  # as last reported
    jitter_s: float = 0.0
    queue_s: float = 0.0  # how long what waits now will take
    worst_queue_s: float = 0.0


class Sender:
    """The sending half of one peer connection. `on_key_wanted` and `on_budget` are called on the loop.

    `queue_back` tells how long a queue (seconds) stands on the way to us: a round trip holds it as well.
    """

    def __init__(
        self,
        clock: Clock,
        control: Control,
        on_key_wanted: Callable[[], None],
        on_budget: Callable[[Budget], None],
        queue_back: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clock = clock
        self._control = control
        self._on_key_wanted = on_key_wanted
        self._on_budget = on_budget
        self._queue_back = queue_back
        self._wall_offset = clock.wall() - clock.monotonic()  # once: a clock that is set shall not part sound and lips
        self._streams: dict[Kind, Stream] = {}
        self._outlets: dict[Kind, Outlet] = {}
        self._line: Line | None = None
        self._held = asyncio.Event()
        self._expected = self._lost = 0
        self._jitter_s = self._loss = self._worst_queue_s = 0.0
        self._round_trip_s: float | None = None
        self._pictures_reported = self._told = float("-inf")
        self._repaired_bits = self._sent_told = 0
        self._pictures = self._keys = self._keys_asked = self._repaired = 0
        now = clock.monotonic()
        self._report_due = now
        self._reporting = 0  # streams in the last sender report
        self._budget = control.look(now)
        self._pacer = Pacer(self._budget.pace_bps, self._usual_frame(), now)

    def opened(self, kind: Kind, wire: Wire, line: Line) -> None:
        """The line is there for this kind; what has been waiting begins."""
        now = self._clock.monotonic()
        self._line = line
        self._streams[kind] = stream = Stream(wire, self._wall_offset, now)
        stream.repairs.set_budget(self._budget.video_bps)
        self._begin(kind)

    def closed(self, kind: Kind) -> None:
        """No more of this kind; the other side is told."""
        stream = self._streams.get(kind)
        if stream is not None and self._line is not None:
            stream.drop()
            self._line.send(goodbye(stream.wire.ssrc))

    def feed(self, kind: Kind, outlet: Outlet) -> None:
        """Send what comes through this outlet."""
        self._outlets[kind] = outlet
        self._begin(kind)

    async def run(self) -> None:
        """Look at the line a few times a second, and let held pictures go; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_looking())
            group.create_task(self._keep_releasing())

    def rtcp(self, kind: Kind, packet: AnyRtcpPacket) -> None:
        """What the other side says of a stream of ours."""
        stream, now = self._streams.get(kind), self._clock.monotonic()
        if stream is None:
            return
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == stream.wire.ssrc:
                    self._reported(kind, stream, report, now)
        elif kind == "video" and isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._asked_again(stream, packet.lost, now)
        elif kind == "video" and isinstance(packet, RtcpPsfbPacket):
            self._picture_feedback(packet, now)

    def sent(self, kind: Kind) -> tuple[int, int]:
        """Packets and bytes of payload of this kind, repairs not counted."""
        stream = self._streams.get(kind)
        return (stream.packets, stream.octets) if stream is not None else (0, 0)

    @property
    def round_trip(self) -> float | None:
        """Seconds, as the last report told."""
        return self._round_trip_s

    def figures(self) -> SendingFigures:
        """Numbers for the call's statistics."""
        sound, picture = self.sent("audio"), self.sent("video")
        pictures = self._streams.get("video")
        return SendingFigures(
            sound_packets=sound[0],
            sound_bytes=sound[1],
            picture_packets=picture[0],
            picture_bytes=picture[1],
            pictures=self._pictures,
            key_frames=self._keys,
            key_frames_asked=self._keys_asked,
            repaired=self._repaired,
            repairs_refused=pictures.repairs.refused if pictures else 0,
            round_trip_s=self._round_trip_s,
            loss=self._loss,
            jitter_s=self._jitter_s,
            queue_s=self._queue_s(),
            worst_queue_s=self._worst_queue_s,
        )

    def _begin(self, kind: Kind) -> None:
        stream, outlet, line = self._streams.get(kind), self._outlets.get(kind), self._line
        if stream is None or outlet is None or line is None:
            return
        send = self._send_sound if kind == "audio" else self._send_pictures
        if kind == "audio":
            outlet.keep_newest()  # nobody wants to hear what was said before the line was there
        outlet.on_ready = functools.partial(send, stream, outlet, line)
        outlet.on_ready()

    def _send_sound(self, stream: Stream, outlet: Outlet, line: Line) -> None:
        now = self._clock.monotonic()
        while (packet := outlet.pop()) is not None:
            _take(stream, packet, now)
            while stream.waiting:
                line.send(stream.next(now))

    def _send_pictures(self, stream: Stream, outlet: Outlet, line: Line) -> None:
        now = self._clock.monotonic()
        while stream.waiting or self._next_picture(stream, outlet, now):
            if not self._pacer.may_send(now) or line.backlog() > self._budget.pace_bps / 8 * _MOST_BACKLOG_S:
                self._held.set()
                return
            packet = stream.next(now)
            self._pacer.sent(len(packet))
            line.send(packet)

    def _next_picture(self, stream: Stream, outlet: Outlet, now: float) -> bool:
        packet = outlet.pop()
        if packet is None:
            return False
        _take(stream, packet, now)
        self._pictures += 1
        self._keys += packet.is_keyframe
        return True

    async def _keep_releasing(self) -> None:
        while True:
            await self._held.wait()
            self._held.clear()
            await self._clock.sleep(self._pacer.wait())
            self._outlets["video"].on_ready()

    async def _keep_looking(self) -> None:
        while True:
            self._look(self._clock.monotonic())
            await self._clock.sleep(LOOK_S)

    def _look(self, now: float) -> None:
        queue = self._queue_s()
        self._worst_queue_s = max(self._worst_queue_s, queue)
        self._control.on_queue(queue, now)
        budget = self._control.look(now)
        if budget != self._budget:
            self._budget = budget
            self._pacer.set_pace(budget.pace_bps, self._usual_frame())
            if (pictures := self._streams.get("video")) is not None:
                pictures.repairs.set_budget(budget.video_bps)
        self._on_budget(budget)
        self._report(now)

    def _report(self, now: float) -> None:
        """Sender reports on all that has been sent, in one packet; the first as soon as there is something to say."""
        streams = [stream for stream in self._streams.values() if stream.packets]
        if not streams or self._line is None or (len(streams) == self._reporting and now < self._report_due):
            return
        self._reporting = len(streams)
        self._report_due = now + random.uniform(*_REPORT_S)  # noqa: S311 - not a secret
        cname = names([stream.wire.ssrc for stream in streams], streams[0].wire.cname)
        self._line.send(b"".join(stream.report(now) for stream in streams) + cname)

    def _reported(self, kind: Kind, stream: Stream, report: Any, now: float) -> None:
        heard = stream.reports.take(report, now)
        self._expected += heard.expected
        self._lost += heard.lost
        if heard.round_trip_s is not None:
            self._round_trip_s = heard.round_trip_s
        if kind == "video":
            self._pictures_reported = now
        elif now - self._pictures_reported < _SOUND_REPORT_AFTER_S:
            return  # counted with the next one on pictures
        patience = _TOLD_S if self._expected >= _TOLD_PACKETS else _TOLD_AT_ANY_RATE_S
        if now - self._told < patience:
            return
        self._told = now
        self._loss = self._lost / self._expected if self._expected else 0.0
        self._expected = self._lost = 0
        self._jitter_s = heard.jitter_s
        self._tell_sent()
        self._control.on_queue_back(self._queue_back())
        self._control.on_report(self._loss, heard.jitter_s, heard.round_trip_s, now)
        self._look(now)

    def _tell_sent(self) -> None:
        """What has left since this was last told, headers and all."""
        sent = sum(8 * stream.octets + HEADERS * stream.packets for stream in self._streams.values())
        self._control.on_sent(sent + self._repaired_bits - self._sent_told)
        self._sent_told = sent + self._repaired_bits

    def _asked_again(self, stream: Stream, lost: list[int], now: float) -> None:
        self._control.on_nacks(len(lost), now)
        self._look(now)
        if self._line is None:
            return
        verdict = stream.repairs.asked(lost, self._round_trip_s, now)
        for sequence in verdict.again:
            packet = stream.again(sequence, now)
            self._pacer.sent(len(packet))
            self._repaired_bits += 8 * len(packet) + HEADERS
            self._line.send(packet)
        self._repaired += len(verdict.again)
        if verdict.lost:
            self._want_key()

    def _picture_feedback(self, packet: RtcpPsfbPacket, now: float) -> None:
        if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            self._want_key()
        elif packet.fmt == RTCP_PSFB_APP:
            try:
                bitrate, _ = unpack_remb_fci(packet.fci)
            except (ValueError, struct.error):
                return  # an application message that is no REMB, or half of one
            self._control.on_remb(bitrate, now)
            self._look(now)

    def _want_key(self) -> None:
        self._keys_asked += 1
        self._on_key_wanted()

    def _queue_s(self) -> float:
        waiting = self._streams["video"].waiting if "video" in self._streams else 0
        outlet = self._outlets.get("video")
        backlog = self._line.backlog() if self._line is not None else 0
        return self._pacer.queue_s(waiting + backlog + (outlet.waiting if outlet is not None else 0))

    def _usual_frame(self) -> float:
        return self._budget.video_bps / 8 / max(1, self._budget.fps)


def _take(stream: Stream, packet: av.Packet[Any], now: float) -> None:
    base, rate = packet.time_base, stream.wire.clock_rate
    ticks = (packet.pts or 0) * base.numerator * rate // base.denominator
    stream.take(bytes(packet), ticks, packet.is_keyframe, now)
