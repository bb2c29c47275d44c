"""Figures of the bench: collected by name, summed up as p50 and p95, and set beside each other."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LABELS = {
    "connect_ms": "press to both pictures, ms",
    "answer_ms": "answer to both pictures, ms",
    "latency_out_ms": "latency to the clinician, ms",
    "latency_in_ms": "latency to the station, ms",
    "fps_out": "pictures a second to the clinician",
    "fps_in": "pictures a second to the station",
    "kbps_out": "picture to the clinician, kbit/s",
    "kbps_in": "picture to the station, kbit/s",
    "cpu_percent": "processor, % of a core",
    "pss_mb": "memory (PSS), MiB",
}


class Figures(UserDict[str, list[float]]):
    """Lists of measurements by name."""

    def __missing__(self, name: str) -> list[float]:
        self.data[name] = []
        return self.data[name]

    def add(self, other: Figures) -> None:
        """Take another's measurements in."""
        for name, values in other.items():
            self[name] += values

    def summary(self) -> dict[str, dict[str, float]]:
        """p50 and p95 of each."""
        return {
            name: {"p50": round(percentile(values, 50), 1), "p95": round(percentile(values, 95), 1)}
            for name, values in self.items()
            if values
        }

    def line(self) -> str:
        """The medians in one line, for who watches."""
        return ", ".join(f"{name} {values['p50']:g}" for name, values in self.summary().items())


def written(run: dict[str, Any], told: str, out: Path) -> None:
    """The figures in a file for programs, and what they tell on the screen."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    print(f"{told}\nwritten to {out}")


def percentile(values: Iterable[float], percent: float) -> float:
    """By the nearest rank below, interpolated; ValueError without values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def table(result: dict[str, Any]) -> str:
    """The medians side by side, with ratios."""
    lines = [f"{result['rounds']} rounds; medians (p95)"]
    for size in (key for key in result["ours"] if key != "ready_ms"):
        ours, peer = result["ours"][size], result["chromium"][size]
        lines += ["", f"{size:34}{'ours':>18}{'Chromium':>18}{'ratio':>8}"]
        for name, label in LABELS.items():
            lines.append(_row(label, ours[name], peer[name]))
        both = {p: ours["pss_mb"][p] + ours["screen_pss_mb"][p] for p in ("p50", "p95")}
        lines.append(_row("memory with the screen, MiB", both, peer["pss_mb"]))
        lines.append(f"{'the screen alone: processor, %':34}{_cell(ours['screen_cpu_percent']):>18}")
    lines += ["", f"{'start to ready for a press, ms':34}{_cell(result['ours']['ready_ms']):>18}"]
    return "\n".join(lines)


def _row(label: str, ours: dict[str, float], peer: dict[str, float]) -> str:
    ratio = ours["p50"] / peer["p50"] if peer["p50"] else float("nan")
    return f"{label:34}{_cell(ours):>18}{_cell(peer):>18}{ratio:>8.2f}"


def _cell(value: dict[str, float]) -> str:
    return f"{value['p50']:.0f} ({value['p95']:.0f})"
