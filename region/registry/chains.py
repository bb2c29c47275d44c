"""Where each station stands, what each level says, and so what comes of it for each station. Pure.

Stations of one site that say the same themselves, or nothing, share one document: ten thousand of them cost what their
sites cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioning.authority.profiles import Document, Layer, Level, Merged, merge

REGION = ""  # the one place of the level `region`
Key = tuple[str, str]  # a level, and its place: the number of the row or the station's id as text


@dataclass(frozen=True)
class Chains:
    """What stands in what (None: in none), and `documents` by level and place. Nothing in it is ever changed."""

    stations: Mapping[str, int]  # station to site
    sites: Mapping[int, int | None]  # site to municipality
    municipalities: Mapping[int, int | None]  # municipality to cluster
    documents: Mapping[Key, Document]
    _shared: dict[int, Document] = field(default_factory=dict, init=False, compare=False, repr=False)
    _alike: dict[tuple[int, str], Document] = field(default_factory=dict, init=False, compare=False, repr=False)

    def saying(self, level: Level, place: str, document: Document) -> Chains:
        """The same with that level saying something else."""
        return replace(self, documents={**self.documents, (level, place): document})

    def each_saying(self, level: Level, documents: Mapping[str, Document]) -> Chains:
        """The same with several places of that level saying something else."""
        said: dict[Key, Document] = {(level, place): document for place, document in documents.items()}
        return replace(self, documents={**self.documents, **said})

    def moved(
        self, *, stations: Mapping[str, int] | None = None, sites: Mapping[int, int | None] | None = None,
        municipalities: Mapping[int, int | None] | None = None,
    ) -> Chains:  # fmt: skip
        """The same with some standing elsewhere."""
        return replace(
            self, stations={**self.stations, **(stations or {})}, sites={**self.sites, **(sites or {})},
            municipalities={**self.municipalities, **(municipalities or {})},
        )  # fmt: skip

    def under(self, level: Level, *places: str) -> list[str]:
        """The stations that this level's word reaches, said at any of these places."""
        if level == "station":
            return [place for place in places if place in self.stations]
        wanted: set[Key] = {(level, place) for place in places}
        sites = {site for site in self.sites if not wanted.isdisjoint(self._keys(site))}
        return [station for station, site in self.stations.items() if site in sites]

    def document(self, station: str) -> Document:
        """What comes of all layers for the station. Shared: not to be changed."""
        own = self.documents.get(("station", station))
        if not own:
            return self.above(station)
        alike = self.stations[station], json.dumps(own, sort_keys=True)
        if alike not in self._alike:
            self._alike[alike] = merge([*self._above(self.stations[station]), Layer("station", own)]).document
        return self._alike[alike]

    def above(self, station: str) -> Document:
        """What comes of the layers above the station's own. Shared: not to be changed."""
        site = self.stations[station]
        if site not in self._shared:
            self._shared[site] = merge([*self._above(site)]).document
        return self._shared[site]

    def merged(self, level: Level, place: str) -> Merged:
        """What comes of the layers from the region down to that place, and where each value came from."""
        match level:
            case "region":
                keys: list[tuple[Level, str]] = [("region", REGION)]
            case "cluster":
                keys = [("region", REGION), ("cluster", place)]
            case "municipality":
                keys = [*self._keys_of_municipality(int(place))]
            case "site":
                keys = [*self._keys(int(place))]
            case "station":
                keys = [*self._keys(self.stations[place]), ("station", place)]
        return merge([Layer(one, self.documents[one, where]) for one, where in keys if (one, where) in self.documents])

    def _above(self, site: int) -> Iterator[Layer]:
        for level, place in self._keys(site):
            document = self.documents.get((level, place))
            if document:
                yield Layer(level, document)

    def _keys(self, site: int) -> Iterator[tuple[Level, str]]:
        municipality = self.sites.get(site)
        if municipality is None:
            yield "region", REGION
        else:
            yield from self._keys_of_municipality(municipality)
        yield "site", str(site)

    def _keys_of_municipality(self, municipality: int) -> Iterator[tuple[Level, str]]:
        yield "region", REGION
        cluster = self.municipalities.get(municipality)
        if cluster is not None:
            yield "cluster", str(cluster)
        yield "municipality", str(municipality)
