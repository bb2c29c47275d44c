"""A stream's packets as aiortc's own parser reads them: numbers, times, extensions, repairs and reports."""

from __future__ import annotations

import dataclasses

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPacket, RtcpReceiverInfo, RtcpSrPacket, RtpPacket, unwrap_rtx
from hypothesis import given
from hypothesis import strategies as st

from device.media.rtp.header import ABS_SEND_TIME, MID, PLAYOUT_DELAY, HeaderWriter, Wire
from device.media.rtp.packing import PAYLOAD_MAX
from device.media.rtp.reports import Heard, ReceiverReports, SourceClock, goodbye, names, ntp
from device.media.rtp.stream import Stream

WIRE = Wire("H264", 99, 90_000, 1234, 5678, 100, "room", "1", {MID: 1, ABS_SEND_TIME: 3, PLAYOUT_DELAY: 5})
PICTURE = b"\x00\x00\x00\x01\x65" + b"x" * 3000


def read(packet: bytes, wire: Wire = WIRE) -> RtpPacket:
    extensions = HeaderExtensionsMap()
    known = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in wire.extensions.items()]
    extensions.configure(RTCRtpParameters(headerExtensions=known))
    return RtpPacket.parse(packet, extensions)


def all_of(stream: Stream, now: float) -> list[bytes]:
    packets = []
    while stream.waiting:
        packets.append(stream.next(now))
    return packets


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.booleans(),
    st.floats(0, 1e6),
    st.sets(st.sampled_from([MID, ABS_SEND_TIME, PLAYOUT_DELAY])),
    st.text("abcdefgh0123", min_size=1, max_size=16),
    st.binary(max_size=50),
)
def test_any_header_is_read_as_it_was_meant(
    sequence: int, timestamp: int, marker: bool, now: float, known: set[str], mid: str, payload: bytes
) -> None:
    extensions = {uri: number for uri, number in WIRE.extensions.items() if uri in known}
    wire = dataclasses.replace(WIRE, mid=mid, extensions=extensions)
    packet = read(HeaderWriter(wire, wire.ssrc, 99).write(sequence, timestamp, marker, now) + payload, wire)

    assert (packet.sequence_number, packet.timestamp, bool(packet.marker)) == (sequence, timestamp, marker)
    assert (packet.ssrc, packet.payload_type, packet.payload) == (1234, 99, payload)
    assert packet.extensions.mid == (mid if MID in known else None)
    sent = packet.extensions.abs_send_time
    assert sent == (int(now * 2**18) % 2**24 if ABS_SEND_TIME in known else None)


def test_the_browser_is_told_to_show_pictures_at_once() -> None:
    header = HeaderWriter(WIRE, 1, 99).write(1, 1, False, 1.0)
    assert bytes((5 << 4 | 2, 0, 0, 0)) in header


def test_an_extension_that_does_not_fit_the_short_form_is_left_out() -> None:
    wire = dataclasses.replace(WIRE, mid="m" * 17, extensions={MID: 1, ABS_SEND_TIME: 15})
    assert len(HeaderWriter(wire, 1, 99).write(1, 1, False, 1.0)) == 12


def test_the_largest_packet_fits_a_line_with_the_smallest_packets() -> None:
    wire = dataclasses.replace(WIRE, mid="m" * 16)
    stream = Stream(wire, 0.0, 0.0)
    stream.take(b"\x00\x00\x01\x65" + b"x" * 9000, 0, True, 0.0)
    largest = max(map(len, all_of(stream, 0.0)))
    rtx, srtp, ipv6, turn, tcp = 2, 16, 48, 4, 12
    assert largest > PAYLOAD_MAX
    assert largest + rtx + srtp + ipv6 + turn + tcp <= 1280


def test_a_pictures_packets_are_numbered_in_a_row_and_the_last_is_marked() -> None:
    stream = Stream(WIRE, 0.0, 0.0)
    stream.take(PICTURE, 9000, True, 10.0)
    first = [read(packet) for packet in all_of(stream, 10.0)]
    stream.take(PICTURE, 12_000, False, 10.1)
    second = [read(packet) for packet in all_of(stream, 10.1)]

    numbers = [packet.sequence_number for packet in first + second]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert [packet.marker for packet in first] == [0, 0, 1]
    assert {(packet.timestamp - first[0].timestamp) & 0xFFFF_FFFF for packet in second} == {3000}
    assert (stream.packets, stream.octets) == (6, sum(len(packet.payload) for packet in first + second))


def test_what_is_dropped_leaves_no_hole_in_the_numbers() -> None:
    stream = Stream(WIRE, 0.0, 0.0)
    stream.take(PICTURE, 0, True, 0.0)
    before = read(stream.next(0.0)).sequence_number
    stream.drop()
    assert stream.waiting == 0
    stream.take(PICTURE, 3000, True, 0.1)
    assert read(stream.next(0.1)).sequence_number == before + 1


def test_a_repair_is_the_packet_itself_in_the_repairs_own_stream() -> None:
    stream = Stream(WIRE, 0.0, 0.0)
    stream.take(PICTURE, 9000, True, 0.0)
    packets = [read(packet) for packet in all_of(stream, 0.0)]
    again = [read(stream.again(packet.sequence_number, 0.2)) for packet in packets[:2]]

    for repair, packet in zip(again, packets, strict=False):
        assert (repair.ssrc, repair.payload_type) == (5678, 100)
        back = unwrap_rtx(repair, payload_type=99, ssrc=1234)
        assert (back.sequence_number, back.timestamp, back.marker) == (
            packet.sequence_number,
            packet.timestamp,
            packet.marker,
        )
        assert back.payload == packet.payload
    assert again[1].sequence_number == again[0].sequence_number + 1
    assert stream.packets == 3, "repairs are no part of the stream that reports speak of"


def test_without_a_stream_for_repairs_the_packet_goes_as_it_was() -> None:
    stream = Stream(dataclasses.replace(WIRE, rtx_payload_type=None), 0.0, 0.0)
    stream.take(PICTURE, 9000, True, 0.0)
    packets = all_of(stream, 0.0)
    assert stream.again(read(packets[1]).sequence_number, 0.0) == packets[1]


def test_sound_is_not_kept_for_repairs() -> None:
    stream = Stream(dataclasses.replace(WIRE, codec="opus", clock_rate=48_000), 0.0, 0.0)
    stream.take(b"opus", 0, False, 0.0)
    number = read(stream.next(0.0)).sequence_number
    assert stream.repairs.asked([number], 0.1, 0.0).again == ()


def test_a_report_says_what_the_sources_clock_shows_now_however_late_frames_come() -> None:
    stream = Stream(WIRE, 1_000_000_000.0, 100.0)
    stream.take(PICTURE, 90_000 * 50, True, 100.0)
    stamp = read(stream.next(100.0)).timestamp
    all_of(stream, 100.0)
    stream.take(PICTURE, 90_000 * 51, False, 101.08)  # 80 ms late
    all_of(stream, 101.08)

    (report,) = RtcpPacket.parse(stream.report(102.0))

    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info.ntp_timestamp == ntp(1_000_000_102.0)
    since = (report.sender_info.rtp_timestamp - stamp) & 0xFFFF_FFFF
    assert since == pytest.approx(2 * 90_000, abs=0.002 * 90_000)
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (stream.packets, stream.octets)


def test_a_source_that_begins_anew_is_followed_at_once() -> None:
    clock = SourceClock()
    assert clock.at(5.0) == 0.0
    clock.stamped(1000.0, 5.0)
    clock.stamped(0.0, 6.0)
    assert clock.at(7.0) == pytest.approx(1.0)


def test_the_round_trip_is_what_is_left_of_the_time_between_report_and_answer() -> None:
    reports = ReceiverReports(90_000)
    sent = ntp(1_000_000_000.0)
    reports.said(sent, 10.0)
    heard = reports.take(info(lsr=sent >> 16 & 0xFFFF_FFFF, dlsr=int(0.5 * 65536)), 10.73)
    assert heard.round_trip_s == pytest.approx(0.23, abs=0.001)
    assert reports.take(info(lsr=1, dlsr=0), 10.8).round_trip_s is None, "an answer to what we never said"


def test_old_reports_are_forgotten() -> None:
    reports = ReceiverReports(90_000)
    for second in range(100):
        reports.said(ntp(1_000_000_000.0 + second), float(second))
    old = ntp(1_000_000_000.0) >> 16 & 0xFFFF_FFFF
    assert reports.take(info(lsr=old), 100.0).round_trip_s is None


def test_loss_is_counted_from_one_report_to_the_next() -> None:
    reports = ReceiverReports(90_000)
    assert reports.take(info(fraction=64, lost=50, highest=1000, jitter=900), 1.0) == Heard(256, 64, 0.01, None)
    assert reports.take(info(lost=60, highest=1200), 2.0) == Heard(200, 10, 0.0, None)
    assert reports.take(info(lost=55, highest=1300), 3.0) == Heard(100, 0, 0.0, None), "duplicates are no gain"
    assert reports.take(info(lost=55, highest=1290), 3.1) == Heard(0, 0, 0.0, None), "overtaken on its way"


@given(st.lists(st.tuples(st.integers(-(2**23), 2**23 - 1), st.integers(0, 2**32 - 1)), min_size=1))
def test_no_report_makes_a_loss_that_cannot_be(said: list[tuple[int, int]]) -> None:
    reports = ReceiverReports(90_000)
    for lost, highest in said:
        heard = reports.take(info(lost=lost, highest=highest), 1.0)
        assert 0 <= heard.lost <= heard.expected


def test_names_and_goodbyes_are_read_by_the_other_side() -> None:
    packets = RtcpPacket.parse(names([1, 2], "room") + goodbye(2))
    assert [chunk.ssrc for chunk in packets[0].chunks] == [1, 2]
    assert {chunk.items[0] for chunk in packets[0].chunks[:1]} == {(1, b"room")}
    assert packets[1].sources == [2]


def info(
    fraction: int = 0, lost: int = 0, highest: int = 0, jitter: int = 0, lsr: int = 0, dlsr: int = 0
) -> RtcpReceiverInfo:
    return RtcpReceiverInfo(1234, fraction, lost, highest, jitter, lsr, dlsr)
