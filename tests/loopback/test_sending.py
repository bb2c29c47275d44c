"""What our own sender sends to a stock peer: both codecs, repaired where packets are lost, sound and lips in step."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from aiortc.rtp import RtpPacket, is_rtcp

from device.media.aiortc_hooks import DtlsLine
from tests.loopback.conftest import Station

LOST_OF = 12  # every twelfth packet of pictures does not arrive


class LossyLine:
    """Loses packets of pictures once `source` is set, and sees which of them are sent again."""

    def __init__(self, send: Callable[[DtlsLine, bytes], bool]) -> None:
        self._send = send
        self.source: int | None = None
        self.lost: list[int] = []
        self.repaired: list[int] = []
        self._count = 0

    def send(self, line: DtlsLine, data: bytes) -> bool:
        """In place of DtlsLine.send."""
        if self.source is not None and not is_rtcp(data):
            packet = RtpPacket.parse(data)
            again = int.from_bytes(packet.payload[:2], "big")  # RFC 4588; a peer without RTX gets the packet itself
            if packet.ssrc == self.source and packet.sequence_number in self.lost:
                self.repaired.append(packet.sequence_number)
            elif packet.ssrc == self.source:
                self._count += 1
                if not self._count % LOST_OF:
                    self.lost.append(packet.sequence_number)
                    return True
            elif again in self.lost:
                self.repaired.append(again)
        return self._send(line, data)


@pytest.mark.parametrize("vp8_only", [False, True], ids=["H264 with RTX", "VP8 without"])
async def test_lost_packets_of_pictures_are_repaired(
    station: Station, monkeypatch: pytest.MonkeyPatch, vp8_only: bool
) -> None:
    lossy = LossyLine(DtlsLine.send)
    monkeypatch.setattr(DtlsLine, "send", lambda line, data: lossy.send(line, data))
    peer = station.peer(vp8_only=vp8_only)
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    await peer.gets("video", 10)
    peer.pictures.clear()
    lossy.source = peer.picture_source

    await peer.gets("video", peer.received["video"] + 90)

    assert len(lossy.lost) >= 3
    under_way = set(lossy.lost) - set(lossy.repaired)
    assert len(under_way) <= 2 + len(lossy.lost) // 4, "nearly all are sent again, the last ones soon"
    assert len(lossy.repaired) <= 3 * len(lossy.lost)
    gaps = [later.pts - earlier.pts for earlier, later in itertools.pairwise(peer.pictures)]
    assert sorted(gaps)[len(gaps) // 2] < 9000, "they keep coming, and one after the other"


async def test_sound_and_pictures_are_reported_on_so_that_they_can_be_played_in_step(station: Station) -> None:
    peer = station.peer()
    await station.media.open()
    await station.connect(peer)
    station.engine.open()
    async with asyncio.timeout(20):
        reported: set[str] = set()
        while reported != {"audio", "video"}:
            await peer.gets("audio", peer.received["audio"] + 10)
            report = await peer.pc.getStats()
            reported = {each.kind for each in report.values() if each.type == "remote-outbound-rtp"}
