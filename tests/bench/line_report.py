"""The figures of `bench-line` as a table, ours beside Chromium's, and whether the aims are met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

COLUMNS = {
    "fps": "fps", "freeze_s": "frozen s", "p50": "ms p50", "p95": "ms p95", "kbps": "kbit/s", "ssim": "SSIM",
    "stoi": "STOI", "sound_missing": "missing", "recovery_s": "back s",
}  # fmt: skip
NINE_OF_TEN = 0.9
RECOVERY_S = 3.0
BUSY = 95.0  # per cent of all cores: something always has to wait
# What two runs of the same station differ by, so that a draw is not called a loss.
_FREEZE_NOISE_S, _STOI_NOISE = 0.25, 0.02
_LEAST_FPS, _LEAST_STOI = 5.0, 0.6  # "delivers": a picture that moves, and speech that can be followed

Pair = tuple[str, str, dict[str, Any], dict[str, Any]]


# A call that could not be judged: nothing was delivered.
_NOTHING: dict[str, Any] = {
    "fps": 0.0, "freeze_s": float("inf"), "latency_ms": {"p50": None, "p95": None}, "kbps": 0, "ssim": None,
    "stoi": 0.0, "sound_missing": 1.0, "recovery_s": None,
}  # fmt: skip


def pairs(result: dict[str, Any]) -> Iterator[Pair]:
    """(case, direction, ours, Chromium's) of every case in which both had a call."""
    for name, case in result["cases"].items():
        if "ours" in case and "chromium" in case:
            for direction in ("out", "in"):
                yield name, direction, case["ours"].get(direction, _NOTHING), case["chromium"].get(direction, _NOTHING)


def verdicts(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each aim: `met`, and the cases against it."""
    every = list(pairs(result))
    undelivered = [
        _place(name, direction, what)
        for name, direction, ours, peer in every
        for what, delivers in (("picture", delivers_pictures), ("sound", delivers_sound))
        if delivers(peer) and not delivers(ours)
    ]
    frozen = [_place(*pair[:2]) for pair in every if pair[2]["freeze_s"] > pair[3]["freeze_s"] + _FREEZE_NOISE_S]
    unclear = [_place(*pair[:2]) for pair in every if pair[2]["stoi"] < pair[3]["stoi"] - _STOI_NOISE]
    slow = [
        _place(name, direction)
        for name, direction, ours, _ in every
        if name.startswith("burst") and (ours.get("recovery_s") is None or ours["recovery_s"] > RECOVERY_S)
    ]
    allowed = (1 - NINE_OF_TEN) * len(every) + 1e-9
    return {
        "no case where Chromium delivers and we do not": {"met": not undelivered, "against": undelivered},
        "freeze time at least as good in nine of ten": {"met": len(frozen) <= allowed, "against": frozen},
        "intelligibility at least as good in nine of ten": {"met": len(unclear) <= allowed, "against": unclear},
        f"back within {RECOVERY_S:g} s of a burst": {"met": not slow, "against": slow},
    }


def delivers_pictures(figures: dict[str, Any]) -> bool:
    """Whether there is a picture that moves."""
    return bool(figures["fps"] >= _LEAST_FPS)


def delivers_sound(figures: dict[str, Any]) -> bool:
    """Whether speech can be followed."""
    return bool(figures["stoi"] >= _LEAST_STOI)


def overrun(result: dict[str, Any]) -> list[str]:
    """The calls during which the machine was so busy that the figures are its own and not the stations'."""
    return [
        _place(name, who)
        for name, case in result["cases"].items()
        for who, figures in case.items()
        if figures.get("machine", {}).get("busy", 0.0) >= BUSY
    ]


def table(result: dict[str, Any]) -> str:
    """Ours / Chromium's, a line for each case and direction, then the verdicts."""
    lines = [f"{'ours / Chromium':24}" + "".join(f"{label:>15}" for label in COLUMNS.values())]
    for name, direction, ours, peer in pairs(result):
        cells = "".join(f"{_cell(ours, key)} /{_cell(peer, key)}".rjust(15) for key in COLUMNS)
        lines.append(f"{name + ' ' + direction:24}{cells}")
    failed = [(name, who) for name, case in result["cases"].items() for who in case if "error" in case[who]]
    lines += [f"{name}: {who}'s call failed: {result['cases'][name][who]['error']}" for name, who in failed]
    if busy := overrun(result):
        lines.append(f"the machine had no time to spare, so these say little: {', '.join(busy)}")
    lines.append("")
    for aim, verdict in verdicts(result).items():
        against = f": {', '.join(verdict['against'])}" if verdict["against"] else ""
        lines.append(f"{'met    ' if verdict['met'] else 'NOT MET'} {aim}{against}")
    return "\n".join(lines)


def _cell(figures: dict[str, Any], key: str) -> str:
    value = figures["latency_ms"][key] if key in ("p50", "p95") else figures.get(key, "")
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else f"{value}"


def _place(*words: str) -> str:
    return " ".join(words)
