"""The API's document for tests: its operations, their schemas as validators, and a region to try its examples on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from messaging.diagnostics import pack
from messaging.times import read_rfc_3339
from region.cli.api import site
from region.registry.bulk import Wanted
from region.registry.records import HandedIn, Ordered
from region.stations.examples import BUNDLE, CLAIM, COMMAND
from region.web.examples import A_TOKEN, STATION
from region.web.openapi import operations
from region.web.problems import TYPE as PROBLEM
from tests.kits.region.app import Kit

_FORMATS = FormatChecker([])


@_FORMATS.checks("date-time", raises=ValueError)
def _is_a_time(said: object) -> bool:
    return not isinstance(said, str) or read_rfc_3339(said) is not None


@cache
def document() -> dict[str, Any]:
    """As `region api document` prints it."""
    return site().openapi()


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    told: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.told["operationId"])

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """Schemas by name, of those in the `path` or `query`."""
        return {one["name"]: one["schema"] for one in self.told.get("parameters", ()) if one["in"] == place}

    def at(self, values: Mapping[str, object]) -> str:
        """The path with these values in it."""
        path = self.path
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", str(value))
        return path

    def example_path(self) -> str:
        return self.at({name: schema["examples"][0] for name, schema in self.parameters("path").items()})

    def body(self) -> tuple[str, dict[str, Any]] | None:
        """Its media type and content."""
        contents = self.told.get("requestBody", {}).get("content", {})
        return next(iter(contents.items()), None)

    def check(self, answer: httpx.Response) -> None:
        """AssertionError where the document does not tell of this answer."""
        where = (self.name, answer.status_code, answer.text[:500])
        known = resolved(self.told["responses"].get(str(answer.status_code)))
        assert known is not None, where
        if answer.status_code == 204:
            assert answer.content == b"", where
            return
        media = answer.headers["content-type"].partition(";")[0]
        assert media in known["content"], (*where, media)
        if media in ("application/json", PROBLEM):
            faults = list(validator(known["content"][media]["schema"]).iter_errors(answer.json()))
            assert faults == [], (where, faults)
            assert media != PROBLEM or answer.json()["status"] == answer.status_code


def every_operation() -> list[Operation]:
    return [Operation(*one) for one in operations(document())]


def resolved(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a local `$ref` names."""
    while schema is not None and "$ref" in schema:
        found: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Of a schema of the document, with what it refers to."""
    checked = {**schema, "components": document()["components"]}
    return Draft202012Validator(checked, format_checker=_FORMATS)


def walk(schema: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside of this one, by where it stands."""
    reference = str(schema.get("$ref", ""))
    if reference in seen:
        return
    seen = seen | {reference} if reference else seen
    here = resolved(dict(schema)) or {}
    yield "", here
    inner = dict(here.get("properties", {}))
    inner |= {str(number): one for number, one in enumerate(here.get("anyOf", ()))}
    inner |= {key: here[key] for key in ("items", "additionalProperties") if isinstance(here.get(key), dict)}
    for name, one in inner.items():
        for below, found in walk(one, seen):
            yield f"/{name}{below}", found


async def furnish(kit: Kit) -> None:
    """Have there what the examples of the document are about: their station, clinic, sites, command and claim."""
    now = kit.clock.wall()
    async with kit.region.registry.begin() as t:
        await t.clinics.add(STATION.clinic, STATION.phone, now)
        sites = [await t.sites.add(name, now) for name in ("Bakkegården", "Åhjemmet", STATION.site)]
        assert sites[-1].id == STATION.site_id
        await t.rooms.add(sites[1].id, "Depot", now)
        await t.municipalities.add("Bakkeby", (await t.clusters.add("Midtbyerne", now)).id, now)
        eva = await t.people.add("eva", "evaluator", now, sites=[STATION.site_id])
        assert eva.id == 1
        await t.api_tokens.add(A_TOKEN, "of nobody", "Import", "evaluator", now, now + 86_400)
        wanted = Wanted(STATION.id, True, STATION.name, None, STATION.site_id, STATION.room, {"clinic": STATION.clinic})
        await t.bulk.put([wanted], "ivan", now)
        ordered = Ordered(COMMAND.type, COMMAND.fields, "ivan", COMMAND.why, now + 600, now + 4200)
        await t.commands.give(COMMAND.batch, {STATION.id: COMMAND.id}, ordered, now)
        packed = pack(BUNDLE)
        await t.diagnostics.put(HandedIn(COMMAND.id, STATION.id, now, len(packed)), packed)
        await t.claims.add(replace(CLAIM, made_at=now, seen_at=now))


async def make_ready(kit: Kit, operation: Operation) -> None:
    """What its example works on first: nothing that is in use can be removed."""
    async with kit.region.registry.begin() as t:
        if operation.name in ("remove_station", "remove_stations"):
            await t.stations.set_admission(STATION.id, "revoked")
        if operation.name == "remove_clinic":
            await t.stations.change(STATION.id, clinic_id=None)
