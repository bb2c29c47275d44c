"""How late what comes is by its sender's clock: what sound and picture of one moment are apart by.

aiortc keeps of a sender report neither the wall clock's time nor the RTP timestamp that belongs to it.
"""

from __future__ import annotations

from aiortc import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket

_STREAMS = "_RTCRtpReceiver__remote_streams"
_FRACTION = 2**32  # NTP's seconds are 32 bits and 32 bits of fraction
_WRAP = 2**32  # of an RTP timestamp


class Lateness:
    """Of one receiver, from its construction on. It costs nothing until a report comes or it is asked."""

    def __init__(self, receiver: RTCRtpReceiver, clock_rate: int) -> None:
        self._receiver = receiver
        self._clock_rate = clock_rate
        self._reports: dict[int, tuple[float, int]] = {}  # by SSRC: when (NTP seconds), and which timestamp
        stock = receiver._handle_rtcp_packet

        async def handle(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                sent = packet.sender_info
                self._reports[packet.ssrc] = sent.ntp_timestamp / _FRACTION, sent.rtp_timestamp
            await stock(packet)

        receiver._handle_rtcp_packet = handle  # type: ignore[method-assign]

    def look(self) -> float | None:
        """Seconds from the newest packet's capture, by its sender's clock, to its arrival, by ours; None: not known.

        By itself it tells nothing, as the two clocks differ; the difference of two of one sender does.
        """
        streams = getattr(self._receiver, _STREAMS)
        for ssrc, (at, timestamp) in reversed(self._reports.items()):
            stream = streams.get(ssrc)
            if stream is None or stream._last_arrival is None:
                continue
            since = (stream._last_timestamp - timestamp + _WRAP // 2) % _WRAP - _WRAP // 2
            captured = at + since / self._clock_rate
            return float(stream._last_arrival / self._clock_rate - captured)
        return None
