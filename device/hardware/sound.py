"""What every backend does with sound in the same way: volume and level."""

from __future__ import annotations

import math

import numpy as np

from device.hardware.ports import BLOCK, Block

SILENCE_DB = -96.0  # the level of digital silence, and the lowest we tell


def silence() -> Block:
    """10 ms of nothing."""
    return np.zeros(BLOCK, dtype=np.int16)


def gain(percent: int) -> float:
    """The factor for a volume of 0 to 100 percent; cubic as in PulseAudio, so that equal steps sound equal."""
    return float((min(max(percent, 0), 100) / 100) ** 3)


def amplify(block: Block, factor: float) -> Block:
    """The block at another loudness; a factor above 1 may clip, never wrap."""
    if factor == 1:
        return block
    louder: Block = np.clip(block * np.float32(factor), -32768, 32767).astype(np.int16)
    return louder


def level_db(block: Block) -> float:
    """RMS level in dBFS (a full-scale square wave is 0); SILENCE_DB at the lowest."""
    samples = block.astype(np.float32)
    power = float(samples @ samples) / len(samples) / 32768.0**2  # a fifth of the time of mean and square
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB
