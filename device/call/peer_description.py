"""Session descriptions as text: what we add to our offer, and whether an answer is one we can take. No I/O."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from aiortc import RTCIceCandidate
from aiortc.codecs import is_rtx
from aiortc.rtcpeerconnection import is_codec_compatible
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp

from device.media.errors import BadDescription, Flood
from messaging.call import MAX_CANDIDATES, MAX_SDP

_H264_FMTP = re.compile(r"^(a=fmtp:\d+ .*profile-level-id=[0-9a-fA-F]{6}[^\r\n]*)", re.MULTILINE)
_OPUS_RTPMAP = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r\n", re.MULTILINE | re.IGNORECASE)
_CANDIDATE_LINE = re.compile(r"^a=(?:candidate:.*|end-of-candidates)\r?\n?", re.MULTILINE)
_ICE_FRAGMENT = re.compile(r"[A-Za-z0-9+/]{4,256}")
_ICE_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MDNS_NAME = re.compile(r"[0-9A-Za-z-]{1,63}\.local")
_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}")
_DIGESTS = {"sha-256", "sha-384", "sha-512"}
# All that aiortc's parser is seen to raise on hostile text (tests/unit/test_media_description.py keeps trying).
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError, AssertionError, StopIteration)


@dataclass(frozen=True)
class Answer:
    """An answer that fits our offer: `sdp` without its candidates, which are added one by one."""

    sdp: str
    candidates: tuple[str, ...]
    complete: bool  # no more candidates will come


def with_start_bitrate(offer: str, kbps: int, most_kbps: int) -> str:
    """Our offer, telling the browser at which rate to begin sending H.264, and the most that is of use; how quickly it
    goes from one to the other is said by REMB."""
    return _H264_FMTP.sub(rf"\1;x-google-start-bitrate={kbps};x-google-max-bitrate={most_kbps}", offer)


def with_sound_repairs(offer: str) -> str:
    """Our offer, telling the browser that each packet of sound may carry the one before it as well (in-band FEC)."""
    return _OPUS_RTPMAP.sub(r"\g<0>a=fmtp:\1 minptime=10;useinbandfec=1\r\n", offer)


def read_answer(sdp: str, offer: str) -> Answer:
    """Check an answer against our offer, or raise BadDescription (Flood if it brings too many candidates)."""
    if len(sdp) > MAX_SDP:
        raise BadDescription("the answer is too long")
    description = _parse(sdp)
    ours = _parse(offer)
    if [(m.kind, m.rtp.muxId) for m in description.media] != [(m.kind, m.rtp.muxId) for m in ours.media]:
        raise BadDescription("the answer does not answer our offer")
    bundled = {mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items}
    for media, offered in zip(description.media, ours.media, strict=True):
        if media.rtp.muxId not in bundled:
            raise BadDescription("the answer does not bundle its media")
        _check_transport(media)
        if media.kind == "application":
            _check_data(media)
        else:
            _check_codecs(media, offered)
    lines = [line.strip()[2:] for line in _CANDIDATE_LINE.findall(sdp)]
    candidates = tuple(dict.fromkeys(line.removeprefix("candidate:") for line in lines if line != "end-of-candidates"))
    if len(candidates) > MAX_CANDIDATES:
        raise Flood("the answer brings too many candidates")
    for text in candidates:
        read_candidate(text)
    return Answer(_CANDIDATE_LINE.sub("", sdp), candidates, "end-of-candidates" in lines)


def read_candidate(text: str) -> RTCIceCandidate:
    """A candidate as a browser gives it (with or without `candidate:`), or BadDescription."""
    try:
        candidate = candidate_from_sdp(text.removeprefix("candidate:").strip())
    except _PARSER_ERRORS as error:
        raise BadDescription("not a candidate") from error
    if not 0 <= candidate.port <= 65535 or not 0 <= candidate.priority < 2**32 or candidate.component != 1:
        raise BadDescription("a candidate with an impossible port, priority or component")
    if not _MDNS_NAME.fullmatch(candidate.ip):
        try:
            ipaddress.ip_address(candidate.ip)
        except ValueError as error:
            raise BadDescription("a candidate without an address") from error
    return candidate


def _check_transport(media: MediaDescription) -> None:
    ice = media.ice
    if not (
        ice and _ICE_FRAGMENT.fullmatch(ice.usernameFragment or "") and _ICE_PASSWORD.fullmatch(ice.password or "")
    ):
        raise BadDescription("the answer has no usable ICE credentials")
    if media.dtls is None or media.dtls.role not in ("client", "server"):
        raise BadDescription("the answer does not say who begins the DTLS handshake")
    digests = [fingerprint for fingerprint in media.dtls.fingerprints if fingerprint.algorithm.lower() in _DIGESTS]
    if not digests or not all(_FINGERPRINT.fullmatch(fingerprint.value) for fingerprint in digests):
        raise BadDescription("the answer has no usable fingerprint")


def _check_codecs(media: MediaDescription, offered: MediaDescription) -> None:
    if not media.rtcp_mux:
        raise BadDescription("the answer does not multiplex RTCP")
    if any(not 0 < extension.id < 15 for extension in media.rtp.headerExtensions):
        raise BadDescription("the answer has a header extension that cannot be sent")
    answered = [codec for codec in media.rtp.codecs if not is_rtx(codec)]  # repairs alone carry no media
    if not any(is_codec_compatible(ours, theirs) for ours in offered.rtp.codecs for theirs in answered):
        raise BadDescription(f"the answer has no {media.kind} codec of ours")


def _check_data(media: MediaDescription) -> None:
    if media.profile == "DTLS/SCTP" or not 0 < (media.sctp_port or 0) < 65536:
        raise BadDescription("the answer has no usable data channel")


def _parse(sdp: str) -> SessionDescription:
    try:
        return SessionDescription.parse(sdp)
    except _PARSER_ERRORS as error:
        raise BadDescription("not a session description") from error
