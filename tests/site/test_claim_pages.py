"""The pages and the API of stations that ask to be claimed: for IT alone, and nothing by an old form."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from messaging.claim import ClaimRequest, check_code
from provisioning.authority.request import key_name
from region.addresses import Addresses
from region.registry.claims import SILENT_S
from region.stations.claims import ClaimService
from tests.kits.region.app import HTML, Kit
from tests.kits.trust.enrolment_store import make_request

JSON = {"accept": "application/json"}


async def _claim(kit: Kit, serial: str = "") -> tuple[str, str]:
    """A station asks: its key's name and the digits on its screen."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = make_request(key)
    code_sha256 = hashlib.sha256(b"code").hexdigest()
    asked = ClaimRequest(base64.b64encode(request).decode(), code_sha256, serial)
    service = ClaimService(kit.region.registry, kit.clock, Addresses())
    answer = await service.ask(asked, request, "10.1.2.3")
    name = key_name(key.public_key())
    return name, check_code(name, code_sha256, answer.nonce)


async def _post(kit: Kit, browser: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    return await browser.post(path, data={"csrf": await kit.csrf(browser), **form})


async def test_its_first_page_tells_how_many_wait(kit: Kit) -> None:
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        assert "/claims" in (await browser.get("/fleet")).text
        assert "to be approved" not in (await browser.get("/fleet")).text
        await _claim(kit)
        assert "A new station waits to be approved" in (await browser.get("/fleet")).text
        await _claim(kit)
        assert "2 new stations wait to be approved" in (await browser.get("/fleet/stations")).text
        await kit.clock.advance(SILENT_S + 1)
        assert "to be approved" not in (await browser.get("/fleet")).text


async def test_it_sees_who_waits_compares_and_approves(kit: Kit) -> None:
    clinic, site, _ = await kit.places()
    ivan = await kit.person("ivan", "it_admin")
    key, check = await _claim(kit, "10000000abcd")
    async with kit.signed_in(ivan) as browser:
        for path in ("/claims", "/claims/waiting"):
            page = (await browser.get(path)).text
            assert f"{check[:3]} {check[3:]}" in page
            assert "10000000abcd" in page
            assert "10.1.2.3" in page
            assert f"/claims/{key}" in page
        page = (await browser.get(f"/claims/{key}")).text
        assert key in page
        assert "Solgården" in page
        form = {"check": check, "site": str(site.id), "room": "Stue 9", "clinic": str(clinic.id)}
        not_compared = await _post(kit, browser, f"/claims/{key}/approve", **form)
        assert not_compared.status_code == 422
        done = await _post(kit, browser, f"/claims/{key}/approve", compared="yes", **form)
        assert done.status_code == 303
        assert (await browser.get(done.headers["location"])).status_code == 200
        over = await browser.get(f"/claims/{key}")
        assert over.status_code == 404
        assert "does not ask any more" in over.text
    async with kit.region.registry.read() as t:
        (made,) = [one for one in await t.stations.all() if one.room == "Stue 9"]
    assert (made.clinic, made.serial) == ("Bakkens Klinik", "10000000abcd")


async def test_a_scanned_code_compares_itself_and_one_of_another_screen_hides_the_form(kit: Kit) -> None:
    ivan = await kit.person("ivan", "it_admin")
    key, check = await _claim(kit)
    async with kit.signed_in(ivan) as browser:
        right = (await browser.get(f"/claims/{key}?check={check}")).text
        assert "is this station" in right
        assert "/approve" in right
        other = f"{(int(check) + 1) % 1_000_000:06d}"
        for wrong in (other, "æ", "<script>"):
            page = (await browser.get(f"/claims/{key}", params={"check": wrong})).text
            assert "shows other digits" in page
            assert "/approve" not in page


async def test_a_serial_number_known_in_advance_is_chosen_already(kit: Kit) -> None:
    _, site, station = await kit.places()
    async with kit.region.registry.begin() as t:
        await t.stations.set_serial(station.id, "10000000abcd")
    key, _ = await _claim(kit, "10000000abcd")
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        page = (await browser.get(f"/claims/{key}")).text
    assert f'<option value="{station.id}" selected>' in page
    assert site.name in page


async def test_refused_is_refused(kit: Kit) -> None:
    key, check = await _claim(kit)
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        done = await _post(kit, browser, f"/claims/{key}/refuse", check=check)
        assert (done.status_code, done.headers["location"]) == (303, "/claims")
        assert "No station asks" in (await browser.get("/claims")).text


@pytest.mark.parametrize(("form", "status"), [
    ({"site": "", "room": "x"}, 422), ({"site": "1", "room": ""}, 422), ({"site": "99", "room": "x"}, 404),
    ({"site": "x", "room": "x"}, 422), ({"station": "st-00000000"}, 404), ({"site": "1", "room": "Room 4"}, 409),
    ({"site": "1", "room": "x", "check": "12345x"}, 422), ({"site": "1" * 30, "room": "x"}, 422),
])  # fmt: skip
async def test_a_form_that_cannot_be_approves_nothing(kit: Kit, form: dict[str, str], status: int) -> None:
    await kit.places()
    key, check = await _claim(kit)
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        answer = await _post(kit, browser, f"/claims/{key}/approve", **{"check": check, "compared": "yes", **form})
        assert answer.status_code == status
        assert "Nothing was approved" in answer.text
        assert f"/claims/{key}" in (await browser.get("/claims")).text


async def test_nobody_but_it_sees_or_decides_anything(kit: Kit) -> None:
    clinic, _, _ = await kit.places()
    key, check = await _claim(kit)
    anna = await kit.person("anna", "clinician", clinic)
    paths = ("/claims", "/claims/waiting", f"/claims/{key}", "/api/claims")
    async with kit.browser() as browser:
        for path in paths[:3]:
            assert (await browser.get(path)).headers["location"].startswith("/sign-in")
    async with kit.signed_in(anna) as browser:
        for path in paths:
            assert (await browser.get(path)).status_code == 403
        for what in ("approve", "refuse"):
            assert (await _post(kit, browser, f"/claims/{key}/{what}", check=check)).status_code == 403
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        assert (await browser.post(f"/claims/{key}/refuse", data={"check": check})).status_code == 403  # no token
        assert f"/claims/{key}" in (await browser.get("/claims")).text


async def test_the_api_does_what_the_pages_do(kit: Kit) -> None:
    _, site, _ = await kit.places()
    (first, check), (second, other) = await _claim(kit), await _claim(kit)
    async with kit.signed_in(await kit.person("ivan", "it_admin"), **JSON) as browser:
        headers = {"x-csrf-token": await kit.csrf(browser)}
        told = (await browser.get("/api/claims")).json()
        assert {(one["key"], one["check"], one["address"]) for one in told} == {
            (first, check, "10.1.2.3"), (second, other, "10.1.2.3")
        }  # fmt: skip
        asked = {"check": check, "site_id": site.id, "room": "Stue 9"}
        wrong = await browser.post(f"/api/claims/{first}/approve", json={**asked, "check": other}, headers=headers)
        assert wrong.status_code == 422
        done = await browser.post(f"/api/claims/{first}/approve", json=asked, headers=headers)
        assert (done.status_code, done.json()["room"]) == (200, "Stue 9")
        gone = await browser.post(f"/api/claims/{first}/approve", json=asked, headers=headers)
        assert gone.status_code == 404
        refused = await browser.post(f"/api/claims/{second}/refuse", json={"check": other}, headers=headers)
        assert refused.status_code == 204
        more = await browser.post(f"/api/claims/{second}/refuse", json={"check": other, "x": 1}, headers=headers)
        assert more.status_code == 422
        assert (await browser.get("/api/claims", headers=HTML)).json() == []
