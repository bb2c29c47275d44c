"""What is told of the clinician's sound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SoundFigures:
    """Since the station-call process began: packets and milliseconds that only grow; the last four are of now."""

    received: int = 0  # packets
    refused: int = 0  # packets that were not Opus or could not be decoded
    lost: int = 0  # packets that were not there when they were due
    late: int = 0  # packets that came after that
    duplicates: int = 0
    repaired: int = 0  # of the lost: heard all the same, by in-band FEC
    concealed_ms: int = 0  # made up from what was before
    unheard_ms: int = 0  # lost and too long to conceal: silence
    skipped_ms: int = 0  # left out because it came too late to be of use
    shortened_ms: int = 0  # taken out by playing faster
    lengthened_ms: int = 0  # put in by playing slower
    delay_ms: float = 0.0  # how long the quickest packets wait until they are played, without the sound card
    target_ms: float = 0.0  # how long they should
    jitter_ms: float = 0.0  # mean difference of arrival from packet to packet, as RFC 3550 has it
    buffered_ms: int = 0
