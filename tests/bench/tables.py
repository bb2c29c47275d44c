"""How long tables of a whole region take: taken in, written out, taken in again unchanged, and with every row changed.

    .venv/bin/python -m tests.bench.tables --rows=10000 --databases=sqlite,postgresql

Rooms, stations and people have `--rows` rows each, sites a twentieth. Seconds, on databases that keep what they are
given (no `fsync=off`). `build/bench/tables.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from messaging.clock import SystemClock
from region.registry import Registry, database_url
from region.stations.exporting import give_table
from region.stations.importing import KINDS, Kind, take_table
from tests.kits.servers.postgres import postgres

DATABASES = ("sqlite", "postgresql")
_OTHER: dict[Kind, tuple[str, str]] = {
    "municipalities": (";East", ";West"), "sites": (";Kommune 1\r", ";Kommune 2\r"), "clinics": (";1", ";2"),
    "stations": (";;;", ";da;40;"), "people": (";GP;", ";Læge;"),
}  # fmt: skip


def tables(rows: int) -> dict[Kind, str]:
    """A region of that many rooms, each with a station, and as many people."""
    sites = max(rows // 20, 1)
    return {
        "clusters": "name\nEast\nWest\n",
        "municipalities": "name;cluster\n" + "".join(f"Kommune {n};East\n" for n in range(98)),
        "sites": "name;municipality\n" + "".join(f"Hjem {n};Kommune 1\n" for n in range(sites)),
        "rooms": "site;room\n" + "".join(f"Hjem {n % sites};Stue {n}\n" for n in range(rows)),
        "clinics": "name;phone\n" + "".join(f"Klinik {n};1{n:07}\n" for n in range(50)),
        "stations": "site;room;serial;clinic\n"
        + "".join(f"Hjem {n % sites};Stue {n};c0ffee{n:06};Klinik {n % 50}\n" for n in range(rows)),
        "people": "name;role;clinic;title\n" + "".join(f"p{n};clinician;Klinik {n % 50};GP\n" for n in range(rows)),
    }


async def measure(url: str, rows: int) -> dict[str, dict[str, float]]:
    """Seconds by kind of table and what was done with it."""
    registry, clock = Registry(url), SystemClock()
    figures: dict[str, dict[str, float]] = {}

    async def take(kind: Kind, content: bytes, came: Literal["added", "same", "changed"]) -> float:
        begun = time.monotonic()
        taken = await take_table(registry, clock, "bench", kind, content)
        took = time.monotonic() - begun
        assert getattr(taken, came) == taken.added + taken.same + taken.changed, taken
        return round(took, 2)

    try:
        await registry.migrate()
        for kind, content in tables(rows).items():
            figures[kind] = {"new_s": await take(kind, content.encode(), "added")}
        for kind in KINDS:
            begun = time.monotonic()
            written = await give_table(registry, kind)
            figures[kind]["export_s"] = round(time.monotonic() - begun, 2)
            figures[kind]["same_s"] = await take(kind, written, "same")
            if kind in _OTHER:
                changed = written.decode("utf-8-sig").replace(*_OTHER[kind]).encode()
                figures[kind]["changed_s"] = await take(kind, changed, "changed")
    finally:
        await registry.close()
    return figures


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """The address of an empty database of that kind."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield database_url(Path(folder))
    else:
        with postgres(durable=True) as server:
            yield server.database()


def main() -> None:
    """Measure, tell, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--databases", default=",".join(DATABASES))
    args = parser.parse_args()
    told: dict[str, object] = {"rows": args.rows}
    for kind in args.databases.split(","):
        with database(kind) as url:
            told[kind] = figures = asyncio.run(measure(url, args.rows))
        for table, seconds in figures.items():
            print(f"{kind:<11}{table:<15}" + "  ".join(f"{name} {value:6.2f}" for name, value in seconds.items()))
    kept = Path("build/bench/tables.json")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
