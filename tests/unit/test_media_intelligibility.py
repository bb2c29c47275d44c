"""How well speech is understood (STOI, 0 to 1) through the play-out buffer on lossy lines, with repairs and without.

Speech of the simulated station, Opus at 32 kbit/s; the same packets are lost with and without FEC.
"""

from __future__ import annotations

import pytest

from tests.kits.media.sound import Hearing, Sent, encoded, intelligibility, jittered, lose, said, sent

pytestmark = pytest.mark.long

SECONDS = 6


def understood(packets: list[Sent]) -> tuple[float, float]:
    """STOI after the first two seconds, and the delay of the buffer in ms at the end."""
    hearing = Hearing()
    heard = hearing.listen(packets, SECONDS)
    return intelligibility(said(SECONDS), heard, 2), hearing.figures[-1].delay_ms


@pytest.mark.parametrize(("share", "stoi"), [(0.0, 0.99), (0.01, 0.98), (0.05, 0.97), (0.10, 0.96)])
def test_speech_is_understood_though_packets_are_lost(share: float, stoi: float) -> None:
    for seed in (1, 2):
        result, delay_ms = understood(lose(sent(encoded(SECONDS)), share, seed))
        assert result > stoi
        assert delay_ms < 60, "no longer than before this buffer"


@pytest.mark.parametrize(("share", "stoi"), [(0.0, 0.98), (0.01, 0.97), (0.05, 0.95), (0.10, 0.94)])
def test_speech_is_understood_on_a_jittery_line_too(share: float, stoi: float) -> None:
    for seed in (1, 2):
        result, delay_ms = understood(jittered(lose(sent(encoded(SECONDS)), share, seed), 0.15, 0.03, seed))
        assert result > stoi
        assert delay_ms < 110, "60 for the jitter, 20 for repairs, 20 at least, and a little"


@pytest.mark.parametrize("share", [0.05, 0.10])
def test_repairs_help(share: float) -> None:
    with_fec = [understood(lose(sent(encoded(SECONDS)), share, seed))[0] for seed in (1, 2, 3)]
    without = [understood(lose(sent(encoded(SECONDS, fec=False)), share, seed))[0] for seed in (1, 2, 3)]
    assert sum(with_fec) > sum(without) + 0.01
