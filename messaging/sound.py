"""The ring through which the simulated speaker's sound reaches the front panel: the last seconds, in shared memory.

One writer, any number of readers, no locks: samples are written first and counted afterwards, and a reader keeps a
margin from the oldest ones. The file exists while the speaker is open.

Layout after the header of `messaging.shared_file` (a: samples a second, b: capacity in samples, counter: samples
written): `b` samples, signed 16 bits, mono; sample n of all that were written stands at n modulo `b`.
"""

from __future__ import annotations

from pathlib import Path

from messaging.shared_file import DATA, Attached, SharedReader, SharedWriter

SPEAKER_RING = "speaker.ring"  # in the station's runtime directory
RATE = 48_000
SAMPLE_BYTES = 2

_MAGIC = b"LKSOUND1"


class SoundRingWriter:
    """Makes the ring's file (mode 0640) and writes sound into it."""

    def __init__(self, path: Path, rate: int = RATE, seconds: float = 2.0) -> None:
        self._capacity = int(rate * seconds)
        self._written = 0
        self._file = SharedWriter(path, _MAGIC, rate, self._capacity, self._capacity * SAMPLE_BYTES)

    def write(self, pcm: bytes | memoryview) -> None:
        """Append samples: signed 16 bits little endian, mono; at most what the ring holds at once."""
        count = len(pcm) // SAMPLE_BYTES
        if len(pcm) % SAMPLE_BYTES or count > self._capacity:
            raise ValueError(f"{len(pcm)} bytes are no whole samples, or more than the ring holds")
        at = self._written % self._capacity
        first = min(count, self._capacity - at) * SAMPLE_BYTES
        start = DATA + at * SAMPLE_BYTES
        memory = self._file.memory
        memory[start : start + first] = pcm[:first]
        memory[DATA : DATA + len(pcm) - first] = pcm[first:]
        self._written += count
        self._file.count(self._written)

    def close(self) -> None:
        """Say that no more comes, and remove the file (readers keep what they have mapped)."""
        self._file.close()


class SoundRingReader:
    """Reads what has been written since the last read; survives the writer's death and its successor."""

    def __init__(self, path: Path) -> None:
        self._file = SharedReader(path, _MAGIC, lambda _rate, capacity: capacity * SAMPLE_BYTES)
        self._ring: Attached | None = None
        self._read = 0
        self.rate = RATE
        self.lost = 0  # samples that were overwritten before they were read

    def read(self) -> bytes:
        """The samples since the last call, at most the newer half of the ring; empty when there are none. Never waits.

        A reader that has just found a ring begins at its newest sample: what was played before it came is past.
        """
        ring = self._file.attached()
        if ring is not self._ring:
            self._ring = ring
            if ring is not None:
                self.rate, self._read = ring.a, ring.counted()
        if ring is None:
            return b""
        written, capacity = ring.counted(), ring.b
        oldest = max(0, written - capacity // 2)
        if self._read < oldest:
            self.lost += oldest - self._read
            self._read = oldest
        count = min(max(0, written - self._read), capacity)
        at = self._read % capacity
        first = min(count, capacity - at) * SAMPLE_BYTES
        start = DATA + at * SAMPLE_BYTES
        pcm = ring.memory[start : start + first] + ring.memory[DATA : DATA + count * SAMPLE_BYTES - first]
        self._read = written
        return pcm

    def close(self) -> None:
        """Let go of the shared memory."""
        self._file.close()
        self._ring = None
