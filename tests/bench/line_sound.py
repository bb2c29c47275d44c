"""Speech that was received, found again in the speech that was sent, and judged: STOI, and what is missing.

The received sound is laid on the clock by its arrival; where nothing was played there is silence. The speech sent
never repeats itself within its half minute (`line_scene.talk`), so that the two are put together by correlation: once
for the whole, then piece by piece, each near where the last was found, for a play-out that stretches and jumps.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi
from scipy.signal import correlate, resample_poly

from tests.bench.line_figures import Span

RATE = 16_000
_FULL = 48_000
PIECE = RATE // 4
FRAME = RATE // 100
_NEAR, _FAR = RATE // 12, RATE * 3 // 2  # how far a piece is looked for, at first and at most
_SAME_NEAR, _SAME_FAR = 0.6, 0.75  # how like it must be
_WANDER = RATE // 200  # a frame's own
_HEARD = 0.5  # a frame less like than this was not heard: it was lost, or something else was played
_PROMPT_S, _PAUSE_S = 1.0, 0.08
_TALKING = 0.03  # of the greatest power: quieter frames are pauses

Sound = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """The speech sent in the span and what was heard of it, of the same length, at 16 kHz."""

    sent: Sound
    heard: Sound
    frames_missing: float  # share of the frames in which somebody speaks
    delays: tuple[float, ...]  # seconds against the first piece, of each piece that was found


def sound_figures(
    sent: NDArray[np.int16], sound: Sequence[tuple[float, NDArray[np.int16]]], span: Span
) -> dict[str, Any]:
    """`stoi` (0 to 1) and `sound_missing` (a share); `sent` is the half minute at 48 kHz that is said over and over."""
    matched = match(_thin(sent), on_the_clock(sound, span))
    if matched is None:
        return {"stoi": 0.0, "sound_missing": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it says so when nothing was heard
        intelligible = float(stoi(matched.sent, matched.heard, RATE))
    return {"stoi": round(max(0.0, intelligible), 3), "sound_missing": round(matched.frames_missing, 4)}


def place(sent: NDArray[np.int16], sound: Sequence[tuple[float, NDArray[np.int16]]], span: Span) -> float | None:
    """The second of the half minute that is said at which the sound of the span begins; None: it cannot be found."""
    begin = _beginning(_thin(sent), on_the_clock(sound, span))
    return None if begin is None else begin / RATE


def on_the_clock(sound: Sequence[tuple[float, NDArray[np.int16]]], span: Span) -> Sound:
    """The sound of the span at 16 kHz. Parts follow each other; where playing stood still there is silence.

    A part that was only told of late, by a process with no time to spare, is made up for by those that follow: the
    clock is taken from the promptest part of the next second.
    """
    whole = np.zeros(int((span.end - span.begin) * _FULL), dtype=np.int16)
    if not sound:
        return _thin(whole)
    arrivals = np.array([arrival for arrival, _ in sound])
    ends = np.cumsum([len(samples) for _, samples in sound])
    late = arrivals - span.begin - ends / _FULL
    until = np.searchsorted(arrivals, arrivals + _PROMPT_S, "right")
    offset = -np.inf
    for number, (_, samples) in enumerate(sound):
        prompt = float(late[number : until[number]].min())
        if abs(prompt - offset) > _PAUSE_S:
            offset = prompt
        at = round((offset + ends[number] / _FULL) * _FULL) - len(samples)
        first, last = max(0, at), min(len(whole), at + len(samples))
        if first < last:
            whole[first:last] = samples[first - at : last - at]
    return _thin(whole)


def match(sent: Sound, heard: Sound) -> Matched | None:
    """Put what was heard beside what was sent; None if nothing of it can be found."""
    loop = len(sent)
    if len(heard) > loop:
        heard = heard[:loop]
    if not np.any(heard):
        return None
    begin = _beginning(sent, heard)
    if begin is None:
        return None
    said = sent[(begin + np.arange(len(heard))) % loop]
    loud = float(np.max(said**2)) * _TALKING
    around = np.concatenate((np.zeros(_FAR + PIECE), heard, np.zeros(_FAR + PIECE)))
    shift, parts, delays, spoken, missing = 0, [], [], 0, 0
    for start in range(0, len(said) - PIECE + 1, PIECE):
        piece = said[start : start + PIECE]
        found = _find(piece, around, start + _FAR + PIECE, shift)
        if found is not None:
            shift = found
            delays.append(shift / RATE)
        place = start + _FAR + PIECE + shift
        part = around[place : place + PIECE]
        parts.append(part if len(part) == PIECE else np.zeros(PIECE))
        for frame in range(0, PIECE, FRAME):
            one = piece[frame : frame + FRAME]
            if float(np.max(one**2)) >= loud:
                spoken += 1
                near = around[max(0, place + frame - _WANDER) : place + frame + FRAME + _WANDER]
                missing += _likest(one, near)[1] < _HEARD
    heard_parts = np.concatenate(parts)
    return Matched(said[: len(heard_parts)], heard_parts, missing / max(1, spoken), tuple(delays))


def _beginning(sent: Sound, heard: Sound) -> int | None:
    """Where in `sent` what was heard begins: what half a second of each agrees on, give or take the play-out."""
    loop, length = len(sent), RATE // 2
    spectrum = np.fft.rfft(sent)
    power = np.cumsum(np.concatenate(([0.0], sent**2, sent[:length] ** 2)))
    loudness = np.sqrt(np.maximum(power[length : length + loop] - power[:loop], 1e-6))
    places = []
    for start in range(0, len(heard) - length + 1, RATE):
        part = heard[start : start + length]
        if not np.any(part):
            continue
        likeness = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, loop)), loop) / loudness
        best = int(np.argmax(likeness))
        if likeness[best] >= _SAME_NEAR * np.linalg.norm(part):
            places.append((best - start) % loop)
    if not places:
        return None
    apart = (np.subtract.outer(places, places) + loop // 2) % loop - loop // 2
    agreeing = np.abs(apart) < _FAR
    most = int(np.argmax(agreeing.sum(axis=0)))
    return int(places[most] + np.median(apart[agreeing[:, most], most])) % loop


def _find(piece: Sound, around: Sound, place: int, shift: int) -> int | None:
    """The shift at which the piece is heard, or None."""
    if not np.any(piece):
        return None
    for centre, reach, least in ((shift, _NEAR, _SAME_NEAR), (0, _FAR, _SAME_FAR)):
        begin = max(0, place + centre - reach)
        where, like = _likest(piece, around[begin : place + centre + reach + len(piece)])
        if like >= least:
            return begin + where - place
    return None


def _likest(piece: Sound, around: Sound) -> tuple[int, float]:
    """Where in `around` the piece is likest to what is there, and how like (-1 to 1)."""
    if len(around) < len(piece):
        return 0, 0.0
    products = correlate(around, piece, "valid")
    power = np.cumsum(np.concatenate(([0.0], around**2)))
    power = np.maximum(power[len(piece) :] - power[: -len(piece)], 0)
    like = products / (np.linalg.norm(piece) * np.sqrt(power) + 1e-3)
    best = int(np.argmax(like))
    return best, float(like[best])


def _thin(samples: NDArray[np.int16]) -> Sound:
    thin: Sound = resample_poly(samples.astype(np.float64) / 32768, 1, 3)
    return thin
