"""What an API token opens: every route of the running application, tried with a token of each role and place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from region.registry.records import TokenRole
from region.stations.importing import KINDS
from region.web import rights
from region.web.auth import stated
from region.web.openapi import PREFIX
from region.web.rights import Right
from tests.kits.region.rights import UNSAFE, Stage, told, two_of_each

ROLES: tuple[TokenRole, ...] = get_args(TokenRole)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with two_of_each(tmp_path) as stage:
        yield stage


async def _secret(stage: Stage, role: TokenRole, **more: bool) -> str:
    """A token of that role; of our own site, where the role has places."""
    sites = () if role == "it_admin" else (stage.stations[0].site_id,)
    return (await stage.kit.token("ivan", role, sites=sites, **more)).secret


def _right(stage: Stage, path: str, method: str) -> Right | None:
    return next((stated(one) for used, one in stage.routes() if (used, one.path) == (method, path)), None)


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_opens_what_its_role_may_below_api_and_no_page_and_nothing_of_people(
    stage: Stage, role: TokenRole
) -> None:
    before, opened = await told(stage.kit), set()
    async with stage.kit.script(await _secret(stage, role)) as script:
        for method, route in stage.routes():
            right = stated(route)
            assert right is not None
            of_api = route.path.startswith(PREFIX)
            if of_api and not right.in_person and role in (right.roles or ()):
                opened.add(route.path)
                continue  # what it may: the fuzz, and below
            code = "for_people" if not of_api or role in (right.roles or ()) else "not_allowed"
            answer = await script.request(method, stage.path(route), json={})
            if right is rights.SIGNED:
                assert answer.status_code == 404, "no provider, nothing to be told; and no token is looked at"
                continue
            assert (answer.status_code, answer.json()["code"]) == (403, code), (method, route.path)
            assert "set-cookie" not in answer.headers, route.path
    assert "/api/session" in opened
    assert len(opened) > (20 if role == "it_admin" else 1)
    assert await told(stage.kit) == before + 1, "that the token was made"


def test_all_that_lets_somebody_in_is_of_people_alone(stage: Stage) -> None:
    """By name as well, so that a route of people that states another right is noticed."""
    for method, route in stage.routes():
        named = any(word in route.path for word in ("people", "person", "token", "second-step", "passkey", "password"))
        if route.path.startswith(PREFIX) and named:
            assert stated(route) is rights.PEOPLE, (method, route.path)


async def test_tables_of_people_are_neither_read_nor_taken_in_with_a_token(stage: Stage) -> None:
    async with stage.kit.script(await _secret(stage, "it_admin")) as script:
        for kind in KINDS:
            path = f"{PREFIX}tables/{kind}"
            read = await script.get(path)
            taken = await script.post(
                f"{path}?dry_run=true", content=read.content, headers={"content-type": "text/csv"}
            )
            expected = (403, 403) if kind == "people" else (200, 200)
            assert (read.status_code, taken.status_code) == expected, (kind, taken.text)


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_that_only_reads_changes_nothing(stage: Stage, role: TokenRole) -> None:
    before = await told(stage.kit)
    async with stage.kit.script(await _secret(stage, role, reads_only=True)) as script:
        assert (await script.get("/api/session")).json()["role"] == role
        for method, route in stage.routes():
            if method in UNSAFE and route.path.startswith(PREFIX):
                answer = await script.request(method, stage.path(route), json={})
                assert (answer.status_code, answer.json()["code"]) == (403, "reads_only"), route.path
    assert await told(stage.kit) == before + 1


async def test_a_token_of_a_site_sees_that_site_alone(stage: Stage) -> None:
    ours, theirs = stage.stations
    async with stage.kit.script(await _secret(stage, "site_staff")) as script:
        assert [one["id"] for one in (await script.get("/api/home")).json()] == [ours.id]
        assert (await script.get(f"/api/home/{theirs.id}")).status_code == 404
    async with stage.kit.script(await _secret(stage, "evaluator")) as script:
        assert theirs.site not in (await script.get("/api/evaluation")).text
        for place, status in (("region", 404), (f"site-{theirs.site_id}", 404), (f"site-{ours.site_id}", 200)):
            assert (await script.get(f"/api/evaluation?place={place}")).status_code == status, place
            assert (await script.get(f"/api/evaluation.csv?place={place}")).status_code == status, place
