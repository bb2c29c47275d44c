"""From packets that come when they come to a speaker that asks every 10 ms.

The buffer holds packets, not sound: they are decoded when they are due, so that one that has come since can still
repair the one before it. Each sample is played `DelayEstimate.target` after it was sent, on the scale of that module.
Where that is not so (two crystals differ, the line has grown worse or better, the speaker had stopped), the sound is
stretched or shortened a period of the voice at a time, in silence rather than in speech.

Threads: packets come on the loop, the speaker asks in its own thread. They share the store of packets and what is known
of their delays, under a lock that is held for microseconds; sound, decoder and history belong to the speaker's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.media.errors import CodecFailed
from device.media.opus import STEP, duration, holds_repair
from device.media.playout.delay import DelayEstimate, SpeakerPhase
from device.media.playout.figures import SoundFigures
from device.media.playout.packets import Packet, PacketStore
from device.media.playout.stretching import Stretching
from device.media.playout.voice import FADED, Decoder, Sound, Voice

_REFILL = SAMPLE_RATE // 10  # samples: after a longer stop the buffer fills up again before it plays
_LAG_S = 0.2  # sound that comes later than this after its time is left out where nothing is being said
_EARLY_S = 0.005  # the grain at which sound begins: half a block
_MOST_BEHIND_S = 0.5  # and more than this, in the middle of a word
_LOST_WEIGHT = 1 / 500  # of one packet in the share of those that were not there when due: ten seconds
_WORTH_REPAIR = 0.006  # the share from which it pays to wait for the packet that repairs
_NOTHING: Sound = np.zeros(0, np.int16)


class Playout:
    """The clinician's sound: `insert` on the loop, `next_block` in the speaker's thread. Memory and delay are bounded.

    `monotonic` gives seconds; `decoder` is for tests.
    """

    def __init__(self, monotonic: Callable[[], float], decoder: Decoder | None = None) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._store = PacketStore()
        self._delay = DelayEstimate()
        self._source: int | None = None
        self._beginning = 0  # counted up: every reset is another
        self._received = self._refused = 0
        # Of the speaker's thread:
        self._phase = SpeakerPhase()
        self._voice = Voice(decoder)
        self._stretching = Stretching()
        self._playing = 0  # the beginning that is being played
        self._sound = _NOTHING  # decoded and not yet played
        self._position: int | None = None  # of the first sample after `_sound`
        self._number: int | None = None  # of the last packet that was decoded
        self._held = 0  # samples made up since then without the sender's clock going on
        self._lost_share = 0.0
        self._repairing = False
        self._waited = 0.0  # seconds, by the quickest packets, before the sound that was played last
        self._lost = self._repaired = self._skipped = self._unheard = 0

    def insert(self, data: bytes, number: int, timestamp: int, source: int = 0) -> None:
        """Take an Opus packet, its RTP sequence number (16 bits), timestamp (32 bits, 48 kHz), SSRC; never raises."""
        try:
            samples = duration(data)
        except CodecFailed:
            self._refused += 1
            return
        now = self._monotonic()
        with self._lock:
            position = self._store.unwrap(timestamp)
            if source != self._source or self._delay.restarts(position, now):
                self._begin_anew()
                self._source, position = source, timestamp
            self._received += 1
            if self._store.add(Packet(position, number, data, samples)):
                self._delay.heard(position, now)

    def next_block(self) -> Block:
        """The next 10 ms to play: sound, concealment, or silence. Takes at most a few decodings."""
        self._phase.asked(self._monotonic())
        with self._lock:
            beginning, target, base = self._beginning, self._delay.target, self._delay.base
        if beginning != self._playing:
            self._playing = beginning
            self._forget()
        while len(self._sound) < BLOCK:
            self._go_on(target)
        if self._position is not None and not self._held:
            self._waited = max(0.0, self._current() - base)
        self._stretch(target)
        block, self._sound = self._sound[:BLOCK], self._sound[BLOCK:]
        self._stretching.played(block)
        return block

    def reset(self) -> None:
        """Forget all sound: another sender, or the gate has closed. The next block is silence."""
        with self._lock:
            self._begin_anew()

    def figures(self) -> SoundFigures:
        """What has been received and made of it since the start; from any thread."""
        with self._lock:
            base, target, jitter = self._delay.base, self._delay.target, self._delay.jitter_s
            late, duplicates, waiting = self._store.late, self._store.duplicates, self._store.samples
            waited = self._waited if self._playing == self._beginning else 0.0
        return SoundFigures(
            received=self._received,
            refused=self._refused + self._voice.failed,
            lost=self._lost,
            late=late,
            duplicates=duplicates,
            repaired=self._repaired,
            concealed_ms=_ms(self._voice.concealed),
            shortened_ms=_ms(self._stretching.shortened),
            lengthened_ms=_ms(self._stretching.lengthened),
            unheard_ms=_ms(self._unheard),
            skipped_ms=_ms(self._skipped),
            delay_ms=waited * 1000,
            target_ms=(target - base) * 1000,
            jitter_ms=jitter * 1000,
            buffered_ms=_ms(waiting + len(self._sound)),
        )

    def _begin_anew(self) -> None:
        self._store.clear()
        self._delay = DelayEstimate()
        self._source = None
        self._beginning += 1

    def _forget(self) -> None:
        self._voice.reset()
        self._stretching.reset()
        self._sound, self._position, self._number, self._held = _NOTHING, None, None, 0
        self._lost_share, self._repairing, self._waited = 0.0, False, 0.0

    def _current(self) -> float:
        """The delay at which sound is being played now."""
        return self._phase.time - ((self._position or 0) - len(self._sound)) / SAMPLE_RATE

    def _go_on(self, target: float) -> None:
        """Append some sound, 2.5 ms at least."""
        packet = self._next(target)
        if packet is None or self._position is None:
            self._held += BLOCK
            self._append(self._voice.conceal(BLOCK), 0)
            return
        repairable = self._gone_before(packet) > 0 and holds_repair(packet.data)
        known = packet.position - (packet.samples if repairable else 0)
        stands_for = min(self._held, max(known - self._position, 0))
        self._position += stands_for  # what was made up while nothing had come stands for what is missing
        self._held -= stands_for
        gap = packet.position - self._position
        if repairable and gap == packet.samples and gap % STEP == 0:
            self._repaired += 1
            self._append(self._voice.repair(packet.data, gap), gap)
        elif gap >= STEP:
            missing = min(gap if gap < packet.samples else max(known - self._position, STEP), BLOCK)
            self._append(self._voice.conceal(missing), missing)
        else:
            self._play(packet)

    def _next(self, target: float) -> Packet | None:
        """The packet to go on with, now or after what is missing before it; None: hold on."""
        with self._lock:
            if self._playing != self._beginning:
                return None
            if self._position is None or self._held >= _REFILL or (self._voice.pausing and self._held > 0):
                return self._restart(target)
            return self._store.first_from(self._position)

    def _restart(self, target: float) -> Packet | None:
        """After silence: leave out what is too old, and begin when the rest is due."""
        at = self._phase.time + len(self._sound) / SAMPLE_RATE
        oldest = round((at - target - _LAG_S) * SAMPLE_RATE)
        first = self._store.first() if self._position is None else self._store.first_from(self._position)
        if first is not None and first.position < oldest:
            self._skipped += self._store.skip_to(oldest)
            first = self._store.first()
            self._number = None
        if first is None:
            return None
        begin = first.position
        if self._position is not None and self._gone_before(first) and holds_repair(first.data):
            begin = max(self._position, first.position - first.samples)
        if at < begin / SAMPLE_RATE + target - _EARLY_S:
            return None
        if self._position is not None and self._gone_before(first):
            self._unheard += max(0, begin - self._position - FADED)
        self._position, self._held = begin, 0
        return first

    def _gone_before(self, packet: Packet) -> int:
        """How many packets were sent between the last one decoded and this one."""
        if self._number is None:
            return 0
        step = (packet.number - self._number - 1) & 0xFFFF
        return step if step < 0x8000 else 0

    def _play(self, packet: Packet) -> None:
        gone = self._gone_before(packet)
        with self._lock:
            if self._store.first() is not packet:  # everything was forgotten, or an older one has just come
                return
            self._store.take()
            self._lost_share += (_LOST_WEIGHT if gone else 0.0) - self._lost_share * _LOST_WEIGHT
            worth = self._lost_share > (_WORTH_REPAIR if not self._repairing else _WORTH_REPAIR / 2)
            self._repairing = worth and (holds_repair(packet.data) or self._repairing)
            self._delay.allow(packet.samples / SAMPLE_RATE if self._repairing else 0.0)
        self._lost += gone
        self._number, self._held = packet.number, 0
        self._position = packet.position
        self._append(self._voice.decode(packet.data, packet.samples), packet.samples)

    def _append(self, sound: Sound, advance: int) -> None:
        self._sound = np.concatenate((self._sound, sound))
        if self._position is not None:
            self._position += advance

    def _stretch(self, target: float) -> None:
        if self._position is None or self._held:
            return
        error = self._current() - target
        if error > _MOST_BEHIND_S:
            self._sound = np.concatenate((self._sound[:BLOCK], self._voice.stop()))
            self._held = _REFILL
            return
        needs = self._stretching.needs(error)
        while len(self._sound) < needs and self._is_next_there():
            self._go_on(target)
        if needs and len(self._sound) >= needs:
            self._sound = self._stretching.change(self._sound, error)

    def _is_next_there(self) -> bool:
        with self._lock:
            first = self._store.first()
            return first is not None and first.position == self._position


def _ms(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
