"""Numbers that wrap around: RTP sequence numbers (16 bits) and timestamps (32 bits)."""

from __future__ import annotations

RESTART = 3_000  # packets: a jump so large, either way, is a new sequence and not a loss


def ahead(later: int, earlier: int, modulus: int = 1 << 16) -> int:
    """How far `later` is ahead of `earlier`, 0 to modulus - 1; half and more: it is behind."""
    return (later - earlier) % modulus
