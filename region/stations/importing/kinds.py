"""The kinds of tables and their headings; what is exported has the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from region.stations.tables import Columns

Kind = Literal["clusters", "municipalities", "sites", "rooms", "clinics", "stations", "people"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # in the order in which they may refer to each other
BAR = "|"  # between the sites of one person
NOBODY = "(none)"  # a station that calls nobody, whatever the layers above say
COLUMNS: dict[Kind, Columns] = {
    "clusters": Columns(("name",)),
    "municipalities": Columns(("name",), ("cluster",)),
    "sites": Columns(("name",), ("municipality",)),
    "rooms": Columns(("site", "room")),
    "clinics": Columns(("name",), ("phone",)),
    "stations": Columns(("site", "room"), ("name", "serial", "clinic", "language", "volume", "id")),
    "people": Columns(("name", "role"), ("clinic", "display_name", "title", "language", "sites")),
}


@dataclass
class Taken:
    """What came of a table: how many were added, changed, and as they were."""

    kind: Kind
    added: int = 0
    changed: int = 0
    same: int = 0
    dry_run: bool = False
