"""Who may do what, over every route of every subject; and what stands before all of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from tests.region_kit import HTML, Kit, every_subject, region_kit

ANYBODY = {
    "/", "/sign-in", "/once/{token}", "/sign-out", "/language", "/api/openapi.json",
}  # fmt: skip
SIGNED_IN = {"/account", "/account/password"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        yield kit


def _walk(routes: list) -> Iterator[APIRoute]:
    """FastAPI keeps an included router as a branch of its own."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif inner is not None:
            yield from _walk(inner.routes)


def _routes(kit: Kit) -> list[tuple[str, str]]:
    """(method, path template) of everything that answers."""
    found = [(method, route.path) for route in _walk(kit.app.routes) for method in sorted(route.methods)]
    assert len(found) > 30, "the enumeration has lost its routes"
    return found


def _role_of(path: str) -> str:
    """Whose a path is. A new route must find its place here."""
    if path in ANYBODY:
        return "anybody"
    if path in SIGNED_IN:
        return "signed in"
    if path.startswith("/desk"):
        return "clinician"
    if re.match(
        r"/(fleet|sites|clinics|stations|audit|evaluation|api/(clinics|sites|stations|fleet|audit|evaluation))([/.]|$)",
        path,
    ):
        return "it_admin"
    raise AssertionError(f"{path} is nobody's: say here whose it is")


async def _ask(browser: httpx.AsyncClient, method: str, path: str, **more) -> httpx.Response:
    return await browser.request(method, re.sub(r"\{[^}]+\}", "1", path), **more)


async def test_every_route_belongs_to_somebody_and_nobody_else_gets_in(kit: Kit) -> None:
    clinic, _, _ = await kit.places()
    people = {
        "clinician": await kit.person("anna", "clinician", clinic),
        "it_admin": await kit.person("ivan", "it_admin"),
    }
    async with kit.browser(accept="application/json") as stranger:
        for method, path in _routes(kit):
            if _role_of(path) == "anybody" or method in UNSAFE:
                continue
            answer = await _ask(stranger, method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), (method, path)
    for role, person in people.items():
        async with kit.signed_in(person, accept="application/json") as browser:
            headers = {"x-csrf-token": await kit.csrf(browser)}
            for method, path in _routes(kit):
                if _role_of(path) in ("anybody", "signed in", role):
                    continue
                # A body that would be refused anyway: the role is judged before it.
                answer = await _ask(browser, method, path, headers=headers, json={})
                assert answer.status_code in (403, 422), (role, method, path)
                if answer.status_code == 403:
                    assert answer.json()["code"] == "not_allowed", (role, method, path)


async def test_every_unsafe_route_wants_the_token_of_the_session(kit: Kit) -> None:
    clinic, _, _ = await kit.places()
    anna, ivan = await kit.person("anna", "clinician", clinic), await kit.person("ivan", "it_admin")
    unsafe = [(method, path) for method, path in _routes(kit) if method in UNSAFE]
    assert len(unsafe) > 10
    async with kit.signed_in(anna) as of_anna:
        token_of_another = await kit.csrf(of_anna)
    async with kit.signed_in(ivan, accept="application/json") as browser, kit.browser(accept="application/json") as new:
        for method, path in unsafe:
            for headers in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "guessed"}, {"x-csrf-token": token_of_another}):
                answer = await _ask(browser, method, path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "bad_token"), (method, path, headers)
            answer = await _ask(new, method, path, headers={"x-csrf-token": "guessed"})
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_token"), (method, path)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"origin": "http://region.test"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({}, True),
        ({"origin": "http://evil.test"}, False),
        ({"origin": "http://region.test.evil.test"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
async def test_another_site_gets_nothing_done_even_with_the_token(kit: Kit, headers: dict, passes: bool) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        answer = await browser.post(
            "/sites", data={"csrf": await kit.csrf(browser), "name": "Solgården"}, headers=headers
        )
    assert answer.status_code == (303 if passes else 403)
    async with kit.region.registry.read() as t:
        assert len(await t.sites.all()) == passes


@pytest.mark.parametrize("path", ["/sign-in", "/fleet", "/nothing-here", "/api/openapi.json", "/static/web/style.css"])
async def test_every_answer_carries_the_headers_that_protect_it(kit: Kit, path: str) -> None:
    async with kit.browser() as browser:
        answer = await browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert "server" not in answer.headers


async def test_no_page_holds_an_inline_script_style_or_handler(kit: Kit) -> None:
    clinic, _, station = await kit.places()
    anna, ivan = await kit.person("anna", "clinician", clinic), await kit.person("ivan", "it_admin")
    pages = []
    async with kit.signed_in(ivan) as browser:
        pages += [
            await browser.get(path)
            for path in ("/fleet", "/sites", f"/stations/{station.id}", "/audit", "/account", "/evaluation")
        ]
    async with kit.signed_in(anna) as browser:
        pages.append(await browser.get("/desk"))
    for page in pages:
        assert page.status_code == 200, page.url
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text), page.url
        for script in re.findall(r"<script[^>]*>", page.text):
            assert "src=" in script or "application/json" in script, (page.url, script)


async def test_pages_are_not_kept_and_static_files_are(kit: Kit) -> None:
    async with kit.browser() as browser:
        page = await browser.get("/sign-in")
        assert page.headers["cache-control"] == "no-store"
        addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        assert len(addresses) >= 4
        for address in addresses:
            answer = await browser.get(address)
            assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True), address


async def test_a_body_past_the_limit_is_refused(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan, accept="application/json") as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}
        answer = await browser.post("/api/sites", json={"name": "x" * 200_000}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_errors_are_a_page_for_people_and_json_for_scripts(kit: Kit) -> None:
    async with kit.browser(**HTML) as person, kit.browser(accept="*/*") as script:
        page, problem = await person.get("/nothing-here"), await script.get("/nothing-here")
    assert (page.status_code, "There is nothing here" in page.text) == (404, True)
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json() == {
        "type": "about:blank", "title": "There is nothing here", "status": 404, "code": "not_found", "detail": "",
    }  # fmt: skip


async def test_an_unforeseen_fault_tells_nothing_of_itself(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("the inside of the house")

    ivan = await kit.person("ivan", "it_admin")
    async with kit.signed_in(ivan) as browser:
        monkeypatch.setattr("region.fleet.subject.whole_fleet", broken)
        answer = await browser.get("/fleet")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "inside" not in answer.text


async def test_what_a_form_was_told_is_shown_as_text_never_as_markup(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    name = "<script>alert(1)</script>"
    async with kit.signed_in(ivan) as browser:
        await browser.post("/sites", data={"csrf": await kit.csrf(browser), "name": name})
        page = (await browser.get("/sites")).text
    assert name not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_the_api_is_described(kit: Kit) -> None:
    async with kit.browser() as browser:
        described = (await browser.get("/api/openapi.json")).json()
    assert {"/api/fleet", "/api/evaluation", "/api/stations", "/api/stations/{station_id}/code"} <= set(
        described["paths"]
    )
    assert not [path for path in described["paths"] if path.startswith(("/sign", "/once", "/sites"))]
