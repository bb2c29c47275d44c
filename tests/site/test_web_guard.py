"""What stands before and around every route; who may use which is in `test_web_rights.py`."""

from __future__ import annotations

import re

import pytest

from tests.kits.region.app import HTML, Kit


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
        monkeypatch.setattr("region.fleet.listing.find_in_fleet", broken)
        answer = await browser.get("/fleet")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "inside" not in answer.text


async def test_a_one_time_link_is_not_in_the_log_when_something_breaks(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("region.registry.sessions.Sessions.use_link", broken)
    async with kit.browser() as browser:
        answer = await browser.get("/once/a-token-that-is-still-good")
    assert answer.status_code == 500
    assert "unforeseen at /once/{token}: RuntimeError" in caplog.text
    assert "still-good" not in caplog.text


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
