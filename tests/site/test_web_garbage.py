"""What nobody should send, sent to every route that there is: refused in the house's form, and nothing is written."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from region.desk.subject import subject as desk_subject
from region.registry.records import Role
from region.web.auth import stated
from region.web.guard import TABLES
from region.web.problems import TYPE as PROBLEM
from region.web.site import every_route
from tests.kits.region.app import Kit, every_subject, region_kit

pytestmark = pytest.mark.long
JSON, FORM, MANY = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
ROLES: tuple[Role, ...] = ("it_admin", "clinician", "site_staff", "evaluator")
ODD = "\x00\u202e\U0001f9d1\u0300" * 30
# What ends the sender's own session, or only sets its language: these are tried as far as anybody may use them.
OWN = {"/sign-out", "/sign-out/region", "/language", "/sign-in", "/account/password"}
# Guesses at these are counted in the database: a refusal is written down there, and nothing else.
COUNTED = ("/sign-in", "/second-step", "/once/", "/account/")
# In the place of every part of a path, and of every field that a form or query has.
VALUES = ("9" * 30, "-1", "NaN", "x" * 3000, quote(ODD), "%ed%a0%80%ff", "%00")
BODIES: dict[str, tuple[str, bytes]] = {
    "a megabyte": (JSON, json.dumps({"name": "x" * 2**20}).encode()),
    "a megabyte of a form": (FORM, b"name=" + b"x" * 2**20),
    "nested deep": (JSON, b"[" * 40_000 + b"]" * 40_000),
    "nested deep in an object": (JSON, b'{"document":' * 8000 + b"1" + b"}" * 8000),
    "a list for an object": (JSON, b"[1, 2, 3]"),
    "a text for an object": (JSON, b'"name"'),
    "nothing": (JSON, b""),
    "NaN": (JSON, b"NaN"),
    "a number without end": (JSON, b"1" * 6000),
    "no JSON": (JSON, b"\xff\xfe{"),
    "no parts": (MANY, b"--y\r\nnone of ours"),
    "a part without end": (MANY, b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"x" * 500),
}


@dataclass
class Stage:
    """A region, somebody of each role signed in, and an eye on its database file that sees every commit of others."""

    kit: Kit
    browsers: dict[Role, tuple[httpx.AsyncClient, str]]
    eye: sqlite3.Connection
    faults: list[str] = field(default_factory=list)

    def commits(self) -> int:
        return int(self.eye.execute("PRAGMA data_version").fetchone()[0])

    def routes(self) -> Iterator[tuple[str, APIRoute, Role]]:
        """Every route and method, with one of those who may use it."""
        found = 0
        for route in every_route(self.kit.app.routes):
            right = stated(route)
            assert right is not None
            for method in sorted(route.methods or ()):
                found += 1
                if route.path not in OWN and not route.path.endswith("/events"):
                    yield method, route, next(role for role in ROLES if role in (right.roles or ROLES))
        assert found > 90, "the enumeration has lost its routes"

    async def send(self, role: Role, method: str, target: str, media: str, content: bytes | None) -> httpx.Response:
        browser, token = self.browsers[role]
        headers = {"x-csrf-token": token, "content-type": media}
        return await browser.request(method, target, content=content, headers=headers)

    async def refused(self, role: Role, method: str, target: str, media: str, content: bytes | None) -> None:
        """Noted among the faults: one of ours, or something written by what was refused."""
        before = self.commits()
        answer = await self.send(role, method, target, media, content)
        where = (
            f"{method} {target[:120]} ({media}, {(content or b'')[:60]!r}): {answer.status_code} {answer.text[:200]}"
        )
        if answer.status_code >= 500:
            self.faults.append(f"{where}: a fault of ours; bound the value (region/web/fields.py)")
        elif answer.status_code >= 400 and not answer.headers["content-type"].startswith((PROBLEM, "text/html")):
            self.faults.append(f"{where}: not the form of errors (region/web/problems.py)")
        elif answer.status_code >= 400 and self.commits() != before and not target.startswith(COUNTED):
            self.faults.append(f"{where}: refused, and yet something was written")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    def still(make: Any) -> Any:
        """Without what goes on by itself, but for the desk, which is ready only when it runs."""
        return make if make is desk_subject else lambda region: replace(make(region), run=None, duty=None)

    async with region_kit(tmp_path, map(still, every_subject(tmp_path))) as kit:
        clinic, site, _ = await kit.places()
        bound: dict[Role, dict[str, Any]] = {"clinician": {"clinic": clinic}, "site_staff": {"sites": [site.id]}}
        browsers: dict[Role, tuple[httpx.AsyncClient, str]] = {}
        for role in ROLES:
            browser = kit.browser(accept=JSON)
            await browser.get(await kit.link(await kit.person(role.replace("_", "-"), role, **bound.get(role, {}))))
            browsers[role] = (browser, await kit.csrf(browser))
        await browsers["clinician"][0].post("/desk/calls", headers={"x-csrf-token": browsers["clinician"][1]})
        eye = sqlite3.connect(tmp_path / "region.sqlite")
        try:
            yield Stage(kit, browsers, eye)
        finally:
            eye.close()
            for browser, _ in browsers.values():
                await browser.aclose()


def _path(route: APIRoute, value: str) -> str:
    return re.sub(r"\{[^}]+\}", value, route.path)


@pytest.mark.parametrize("what", BODIES)
async def test_no_body_breaks_a_route(stage: Stage, what: str) -> None:
    media, content = BODIES[what]
    for method, route, role in stage.routes():
        if method != "GET":
            await stage.refused(role, method, _path(route, "1"), media, content)
    assert stage.faults == []


@pytest.mark.parametrize("value", VALUES)
async def test_no_value_in_a_path_a_query_or_a_form_breaks_a_route(stage: Stage, value: str) -> None:
    for method, route, role in stage.routes():
        names = {one.alias for one in (*route.dependant.query_params, *route.dependant.body_params)}
        told = "&".join(f"{name}={value}" for name in sorted(names))
        if method == "GET":
            await stage.refused(role, method, f"{_path(route, value)}?{told}", JSON, None)
            for name in names if len(names) > 1 else ():  # what is refused first would hide the others
                await stage.refused(role, method, f"{_path(route, '1')}?{name}={value}", JSON, None)
        else:
            await stage.refused(role, method, _path(route, value), FORM, told.encode())
            await stage.refused(role, method, _path(route, "1"), FORM, told.encode())
            plain = "&".join(f"{name}=1" for name in sorted(names))
            await stage.refused(role, method, _path(route, value), FORM, plain.encode())
    assert stage.faults == []


TYPES = (2**70, 1.5, None, "\ud800", ODD, [], float("nan"))


@pytest.mark.parametrize("value", TYPES, ids=ascii)
async def test_no_value_of_another_type_breaks_a_route(stage: Stage, value: Any) -> None:
    for method, route, role in stage.routes():
        if method != "GET" and not route.path.startswith(TABLES):
            names = _fields(route)
            for said in (dict.fromkeys(names, value), *({name: value} for name in names[:1])):
                await stage.refused(role, method, _path(route, "1"), JSON, json.dumps(said).encode())
    assert stage.faults == []


async def test_a_megabyte_is_refused_wherever_a_body_is_taken(stage: Stage) -> None:
    for method, route, role in stage.routes():
        if route.body_field is not None:
            media, content = BODIES["a megabyte" if route.path.startswith("/api/") else "a megabyte of a form"]
            answer = await stage.send(role, method, _path(route, "1"), media, content)
            assert answer.status_code == 413, (method, route.path, answer.text[:200])
            assert answer.json()["code"] == "too_large"


async def test_odd_cookies_and_tokens_are_nobodys(stage: Stage) -> None:
    before = stage.commits()
    for odd in ("x" * 5000, "\x7f", "%00", "';--", "=", "session"):
        async with stage.kit.browser(accept=JSON) as stranger:
            headers = {"cookie": f"session={odd}; visit={odd}", "x-csrf-token": odd}
            read = await stranger.get("/api/sites", headers=headers)
            write = await stranger.post("/api/sites", headers=headers, json={"name": "x"})
        assert (read.status_code, write.status_code) == (401, 403), odd
    assert stage.commits() == before


def _fields(route: APIRoute) -> list[str]:
    """The names of what the body may hold."""
    names: list[str] = []
    for one in route.dependant.body_params:
        inner = getattr(one.field_info.annotation, "model_fields", None)
        names += [one.alias] if inner is None else list(inner)
    return names
