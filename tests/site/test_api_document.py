"""The API's document, served, printed, and true of what the region answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from region.cli import main
from region.web.examples import A_STATION
from tests.kits.region.api import Operation, document, every_operation, furnish, make_ready
from tests.kits.region.app import Kit, every_subject, region_kit

Opened = Callable[[], AbstractAsyncContextManager[Kit]]
WRITES = [one for one in every_operation() if one.method != "GET"]


@pytest.fixture
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Opens a region that the examples are about, as often as one likes, each as nobody has touched it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Kit]:
        data = tmp_path_factory.mktemp("region")
        async with region_kit(data, every_subject(data)) as kit:
            await furnish(kit)
            await kit.person("ivan", "it_admin")
            await kit.person("sara", "site_staff", sites=[3])
            yield kit

    return opened


async def ask(kit: Kit, browser: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    """As its example says."""
    body = operation.body()
    headers = {"x-csrf-token": await kit.csrf(browser)} if operation.method != "GET" else {}
    if body is None:
        return await browser.request(operation.method, operation.example_path(), headers=headers)
    media, content = body[0], body[1]["example"]
    sent = json.dumps(content) if media == "application/json" else content
    headers["content-type"] = media
    return await browser.request(operation.method, operation.example_path(), content=sent, headers=headers)


async def test_it_is_served_to_anybody_and_is_the_one_that_is_printed(
    kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    async with kit.browser() as anybody:
        served = (await anybody.get("/api/openapi.json")).json()
    assert main(["api", "document"]) == 0
    assert served == json.loads(capsys.readouterr().out) == document()


def test_it_can_be_written_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api", "document", "--out", str(tmp_path / "api.json")]) == 0
    assert json.loads((tmp_path / "api.json").read_text()) == document()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("language", ["en", "da"])
async def test_its_page_tells_of_every_operation_type_and_refusal(kit: Kit, language: str) -> None:
    async with kit.browser(**{"accept": "text/html", "accept-language": language}) as anybody:
        page = (await anybody.get("/api")).text
    assert f'<html lang="{language}">' in page
    for operation in every_operation():
        assert f'<details id="{operation.name}">' in page
    for name in document()["components"]["schemas"]:
        assert f'id="type-{name}"' in page
    assert "not_signed_in" in page
    assert "st-k7m2qx4p" in page


async def test_a_script_learns_who_it_is_and_its_token_and_can_work_with_it(kit: Kit) -> None:
    async with kit.signed_in(await kit.person("ivan", "it_admin"), accept="application/json") as script:
        told = (await script.get("/api/session")).json()
        made = await script.post("/api/sites", json={"name": "Solgården"}, headers={"x-csrf-token": told["csrf"]})
    assert (told["name"], told["role"], told["whole"], made.status_code) == ("ivan", "it_admin", True, 201)


async def test_a_script_that_has_not_given_the_second_step_learns_that_and_nothing_more(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    async with kit.browser(accept="application/json") as script:
        await script.get(await kit.link(ivan, whole=False))
        told = (await script.get("/api/session")).json()
        refused = await script.get("/api/sites")
    assert (told["whole"], refused.status_code, refused.json()["code"]) == (False, 401, "second_step_needed")


async def is_as_told(kit: Kit, operation: Operation) -> None:
    """Its example works, for somebody who may, and the answer has the form that the document tells."""
    name = "ivan" if "it_admin" in operation.told["x-roles"] else "sara"
    async with kit.region.registry.read() as t:
        person = await t.people.find(name)
    assert person is not None
    await make_ready(kit, operation)
    async with kit.signed_in(person, accept="application/json") as browser:
        answer = await ask(kit, browser, operation)
    assert answer.is_success, (
        f"{operation.name}: its example gives {answer.status_code} {answer.text[:300]}; "
        "let tests/kits/region/api.py furnish what it needs"
    )
    operation.check(answer)


@pytest.mark.long
async def test_the_example_of_everything_that_is_read_works_and_its_answer_is_as_told(furnished: Opened) -> None:
    async with furnished() as kit:
        for operation in every_operation():
            if operation.method == "GET":
                await is_as_told(kit, operation)


@pytest.mark.long
@pytest.mark.parametrize("operation", WRITES, ids=lambda one: one.name)
async def test_the_example_works_and_its_answer_is_as_told(furnished: Opened, operation: Operation) -> None:
    """On a region that has what the examples are about, and that no other example has changed."""
    async with furnished() as kit:
        await is_as_told(kit, operation)


async def test_every_refusal_is_as_told(furnished: Opened) -> None:
    """To strangers, without the token, of what is not there: nothing has been changed, and the form is the same."""
    async with furnished() as kit:
        async with kit.region.registry.read() as t:
            before = await t.audit.recent(1000)
            ivan = await t.people.find("ivan")
        assert ivan is not None
        async with kit.browser(accept="application/json") as stranger:
            await stranger.get("/sign-in", headers={"accept": "text/html"})
            for operation in every_operation():
                answer = await ask(kit, stranger, operation) if operation.method == "GET" else None
                if answer is not None:
                    assert answer.status_code == 401, operation.name
                    operation.check(answer)
        async with kit.signed_in(ivan, accept="application/json") as browser:
            for operation in every_operation():
                if operation.method != "GET" and "it_admin" in operation.told["x-roles"]:
                    answer = await browser.request(operation.method, operation.example_path())
                    assert (answer.status_code, answer.json()["code"]) == (403, "bad_token"), operation.name
                    operation.check(answer)
        async with kit.region.registry.read() as t:
            after = [row for row in await t.audit.recent(1000) if not row.action.startswith("sign_in")]
            assert (await t.stations.get(A_STATION)).admission == "admitted"
        assert after == [row for row in before if not row.action.startswith("sign_in")]
