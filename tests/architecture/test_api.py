"""The API is told whole: every route below /api, whose it is, what it takes and gives, with an example of each."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from region.cli.api import site
from region.web.auth import stated
from region.web.openapi import PREFIX, is_api
from region.web.site import every_route
from tests.kits.region.api import Operation, document, every_operation, validator, walk

OPERATIONS = every_operation()


def routes() -> list[APIRoute]:
    return [route for route in every_route(site().routes) if route.path.startswith(PREFIX)]


def where(route: APIRoute) -> str:
    code = inspect.unwrap(route.endpoint).__code__
    return f"{route.path}: {route.name} in {code.co_filename}:{code.co_firstlineno}"


def contents(operation: Operation) -> list[tuple[str, dict[str, Any]]]:
    """What it takes and what it gives, by media type."""
    holders = [operation.told["requestBody"]] if operation.body() else []
    holders += [one for status, one in operation.told["responses"].items() if status < "3" and status != "204"]
    return [(media, one) for holder in holders for media, one in holder.get("content", {"nothing": {}}).items()]


def test_the_document_is_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1")
    faults = [fault.message for fault in OpenAPIV31SpecValidator(document()).iter_errors()]
    assert faults == []


def test_every_route_of_the_api_is_told() -> None:
    told = {(one.method, one.path) for one in OPERATIONS}
    for route in routes():
        assert is_api(route), f"{where(route)} may not leave itself out with include_in_schema=False"
        assert {(method, route.path) for method in route.methods or ()} <= told, where(route)
    assert len(told) >= 25, "the enumeration has lost its routes"


def test_each_operation_has_a_name_of_its_own() -> None:
    names = [one.name for one in OPERATIONS]
    twice = sorted({name for name in names if names.count(name) > 1})
    assert twice == [], "the handler's name is the operation's: give one of these functions another"


def test_each_operation_says_what_it_does_and_whose_it_is() -> None:
    for route in routes():
        right = stated(route)
        for method in route.methods or ():
            told = document()["paths"][route.path][method.lower()]
            assert told["summary"], f"{where(route)}: give the handler a docstring; its first sentence is the summary"
            assert not told["summary"].endswith(".")
            assert right is not None
            assert told["x-roles"] == sorted(right.roles or ["anybody"]), where(route)
            assert ("csrf" in str(told["security"])) == (method != "GET" and right.roles is not None), where(route)
            assert ("token" in str(told["security"])) == (right.roles is not None and not right.in_person), where(route)
            refused = {"401", "403"} if right.roles is not None else set()
            assert refused | {"503"} <= set(told["responses"]), where(route)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_what_it_takes_and_gives_has_a_type_and_an_example_that_is_of_it(operation: Operation) -> None:
    for media, content in contents(operation):
        schema = content.get("schema")
        assert schema, f"{operation.name}: say what it gives, by a return type, or (a table) by `region.web.csv`"
        if media != "application/json":
            continue
        of = str(schema.get("$ref", schema.get("items", {}).get("$ref", ""))).rpartition("/")[2]
        assert of, f"{operation.name}: let it take or give a dataclass or model, which can grow, or a list of those"
        assert "example" in content, (
            f"{operation.name}: no example of {of}. Put an instance of it into the `examples` of its Subject "
            "(region/stations/examples.py, region/fleet/examples.py ...)"
        )
        faults = [fault.message for fault in validator(schema).iter_errors(content["example"])]
        assert faults == [], operation.name
    for name, schema in operation.parameters("path").items():
        assert schema.get("examples"), f"{operation.name}: {name} has no example; take a type of region/web/fields.py"


def test_times_are_texts_with_an_offset_and_no_number_is_one() -> None:
    """A number says what it measures by its name: seconds, degrees, decibels, a share."""
    measures = ("_s", "_c", "_db", "_ms", "_share")
    times = 0
    for name, schema in document()["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            forms = told.get("anyOf", [told])
            assert {"number"}.isdisjoint(one.get("type") for one in forms) or field.endswith(measures), (
                f"{name}.{field}: a time is a `UnixTime` (messaging/times.py), or a `Moment` of region/web/fields.py"
            )
            times += any(one.get("format") == "date-time" for one in forms)
            if field.endswith("_at") or field in ("at", "since", "not_before", "last_seen"):
                assert any(one.get("format") == "date-time" for one in forms), f"{name}.{field}"
    assert times > 30, "the enumeration has lost its times"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_whatever_is_taken_has_a_bound(operation: Operation) -> None:
    taken = [(name, schema) for place in ("path", "query") for name, schema in operation.parameters(place).items()]
    body = operation.body()
    if body is not None and body[0] == "application/json":
        taken.append(("body", body[1]["schema"]))
    for name, schema in taken:
        for below, one in walk(schema):
            at = f"{operation.name}: {name}{below}"
            match one.get("type"):
                case "string":
                    assert {"maxLength", "enum", "const"} & set(one) or _fixed(one), f"{at}: say the most characters"
                case "integer" | "number":
                    bounds = {"minimum", "exclusiveMinimum"} & set(one), {"maximum", "exclusiveMaximum"} & set(one)
                    assert all(bounds), f"{at}: say the least and the most (region.web.fields.Number)"
                case "array":
                    assert "maxItems" in one, f"{at}: say the most items"
                case "object" if "properties" in one:
                    strict = one.get("additionalProperties") is False
                    assert strict, f"{at}: derive {one.get('title')} from region.web.fields.Body"
                case "object":
                    assert "maxProperties" in one, f"{at}: say the most entries"


def _fixed(schema: dict[str, Any]) -> bool:
    """A pattern without `+` or `*` says the length by itself."""
    return "pattern" in schema and not {"+", "*"} & set(schema["pattern"])
