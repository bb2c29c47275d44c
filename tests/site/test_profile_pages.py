"""The pages of profiles: what each level says, changed by a form, copied with a look first, and refused in words."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from provisioning.authority.profiles import MOST_BYTES
from tests.kits.region.app import Kit, every_subject, region_kit
from tests.kits.region.log import changed

WIFI = {"Solgaarden": {"psk": "secret-words"}}


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    async with region_kit(tmp_path, every_subject(tmp_path)) as kit:
        await kit.places()
        async with kit.region.registry.begin() as t:
            await t.sites.add("Månelyst", kit.clock.wall())
            await t.layers.put("region", "", {"volume": 55, "night": {"on": True}}, "ivan", kit.clock.wall())
            await t.layers.put("site", "1", {"network": {"wifi": WIFI}}, "ivan", kit.clock.wall())
        yield kit


class Ivan:
    """Somebody of IT, with a browser."""

    def __init__(self, kit: Kit, browser: httpx.AsyncClient, token: str) -> None:
        self.kit, self.browser, self.token = kit, browser, token

    async def page(self, path: str) -> str:
        answer = await self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    async def save(self, path: str, **fields: str) -> httpx.Response:
        """The form as it is, with these fields written anew."""
        shown = (await self.browser.get(path)).text
        return await self.browser.post(path, data={**_form(shown), "csrf": self.token, **fields})

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.browser.post(path, data={"csrf": self.token, **fields})

    async def said(self, level: str, place: str = "") -> dict[str, Any]:
        async with self.kit.region.registry.read() as t:
            return (await t.layers.get(level, place)).document

    async def log(self, action: str) -> list[dict[str, Any]]:
        async with self.kit.region.registry.read() as t:
            return [row.detail for row in await t.audit.recent() if row.action == action]


def _form(page: str) -> dict[str, str]:
    """What a browser would send of the profile's form."""
    form = page[page.index('name="version"') - 40 : page.index("</form>", page.index('name="version"'))]
    found = {
        name: html.unescape(value) for name, value in re.findall(r'<input [^>]*?name="([^"]+)" value="([^"]*)"', form)
    }
    for name, inside in re.findall(r'<select [^>]*?name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    for name, inside in re.findall(r'<textarea [^>]*?name="([^"]+)".*?>(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(inside)
    return found


@pytest.fixture
async def ivan(kit: Kit) -> AsyncIterator[Ivan]:
    async with kit.signed_in(await kit.person("ivan", "it_admin")) as browser:
        yield Ivan(kit, browser, await kit.csrf(browser))


async def test_a_level_is_changed_by_its_form_and_its_stations_with_it(ivan: Ivan) -> None:
    page = await ivan.page("/profiles/site/1")
    assert "otherwise: 55 (the region)" in page
    assert "otherwise: 70 (the default)" in page, "the ring"
    assert "otherwise: not set (the default)" in page, "the hours, and JSON that nobody has written"
    headings = re.findall(r"<legend>([^<]+)</legend>", page)
    assert headings[0] == "General"
    assert len(headings) == len(set(headings)), "each heading once"
    saved = await ivan.save("/profiles/site/1", volume="30", **{"opening.week.sun": "-", "night.on": "no"})
    assert saved.headers["location"] == "/profiles/site/1?saved=1"
    assert "One station works by something else now" in await ivan.page(saved.headers["location"])
    assert await ivan.said("site", "1") == {
        "volume": 30, "opening": {"week": {"sun": []}}, "night": {"on": False}, "network": {"wifi": WIFI}
    }  # fmt: skip
    (told,) = await ivan.log("layer.change")
    assert (told["name"], changed(told)) == (
        "Solgården", {"night.on": (None, False), "opening.week.sun": (None, []), "volume": (None, 30)}
    )  # fmt: skip
    async with ivan.kit.region.registry.read() as t:
        assert [one.volume for one in await t.stations.all()] == [30]


async def test_saving_a_form_as_it_is_changes_nothing_and_shows_no_secret(ivan: Ivan) -> None:
    page = await ivan.page("/profiles/site/1")
    assert "(set)" in page
    assert "secret-words" not in page
    before = await ivan.said("site", "1")
    assert (await ivan.save("/profiles/site/1")).headers["location"].endswith("saved=0")
    assert await ivan.said("site", "1") == before
    assert await ivan.log("layer.change") == []


async def test_what_cannot_be_is_told_beside_its_field_and_what_was_written_stays(ivan: Ivan) -> None:
    answer = await ivan.save("/profiles/region/all", volume="300", language="en", **{"opening.week.mon": "morning"})
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "Nothing was saved" in page
    assert "08:00-12:00" in page
    assert 'value="morning"' in page
    assert _form(answer.text)["volume"] == "300"
    assert _form(answer.text)["language"] == "en"
    answer = await ivan.save("/profiles/region/all", volume="300")
    assert 'aria-invalid="true"' in answer.text
    assert (await ivan.said("region"))["volume"] == 55


async def test_who_reads_danish_is_told_in_danish_why_it_cannot_be(kit: Kit) -> None:
    async with kit.signed_in(await kit.person("per", "it_admin", language="da")) as browser:
        per = Ivan(kit, browser, await kit.csrf(browser))
        wrong = {"volume": "300", "opening.week.mon": "09:00-08:00", "night.ends": "22:00", "network.wifi": "{}x"}
        for name, told in (
            ("volume", "skal være fra 0 til 100"), ("opening.week.mon", "mandag lukker, før der åbnes"),
            ("night.ends", "natten begynder, når den slutter"), ("network.wifi", "skal være JSON"),
        ):  # fmt: skip
            page = html.unescape((await per.save("/profiles/region/all", **{name: wrong[name]})).text)
            assert told in page, name


async def test_a_profile_changed_by_another_meanwhile_is_not_written_over(ivan: Ivan) -> None:
    answer = await ivan.save("/profiles/region/all", volume="20", version="0")
    assert answer.status_code == 409
    assert "Somebody has changed this profile meanwhile" in answer.text
    assert _form(answer.text)["volume"] == "20"
    assert (await ivan.said("region"))["volume"] == 55


async def test_more_than_a_station_takes_is_refused_when_it_is_saved(ivan: Ivan) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\n" + "A" * 8000
    eap = {"method": "peap", "identity": "x", "password": "y", "ca": certificate, "server": "radius"}
    many = json.dumps({f"Net {n}": {"eap": eap} for n in range(6)})
    answer = await ivan.save("/profiles/site/1", **{"network.wifi": many})
    assert answer.status_code == 422
    assert f"at most {MOST_BYTES}" in answer.text
    assert await ivan.said("site", "1") == {"network": {"wifi": WIFI}}
    few = json.dumps({f"Net {n}": {"eap": eap} for n in range(3)})
    assert (await ivan.save("/profiles/site/1", **{"network.wifi": few})).status_code == 303
    others = json.dumps({f"Other {n}": {"eap": eap} for n in range(3)})
    answer = await ivan.save("/profiles/region/all", **{"network.wifi": others})
    assert "at station st-" in answer.text, "each is small enough, and together they are not"


async def test_a_stations_own_settings_have_a_page_too(ivan: Ivan) -> None:
    async with ivan.kit.region.registry.read() as t:
        (station,) = await t.stations.all()
    path = f"/profiles/station/{station.id}"
    page = await ivan.page(path)
    assert "Settings of Room 4, Solgården" in page
    assert "Consent given by" in page
    assert "Consent given by" not in await ivan.page("/profiles/site/1")
    refused = await ivan.save(path, **{"auto_answer.on": "yes"})
    assert "nobody has consented" in refused.text
    assert (await ivan.save(path, volume="12")).status_code == 303
    assert (await ivan.said("station", station.id))["volume"] == 12


@pytest.mark.parametrize("path", ["site/99", "site/x", "cluster/1", "region/1", "station/st-00000000"])
async def test_a_place_that_is_not_there_is_said_to_be_so(ivan: Ivan, path: str) -> None:
    assert (await ivan.browser.get(f"/profiles/{path}")).status_code == 404
    assert (await ivan.post(f"/profiles/{path}", version="0")).status_code == 404


async def test_one_sites_profile_is_copied_to_another_once_it_has_been_looked_at(ivan: Ivan) -> None:
    page = await ivan.page("/profiles/copy?source=Solgården&target=Månelyst")
    assert "What changes at Månelyst" in page
    assert "Wireless networks: Solgaarden.psk" in page
    assert "secret-words" not in page
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)[1]
    both = {"source": "Solgården", "target": "Månelyst", "seen": seen}
    assert (await ivan.post("/profiles/copy", **both)).status_code == 422, "nothing is ticked"
    done = await ivan.post("/profiles/copy", **both, field="network")
    assert done.headers["location"] == "/profiles/site/2?saved=0"
    assert await ivan.said("site", "2") == {"network": {"wifi": WIFI}}
    (told,) = await ivan.log("profile.copy")
    assert (told["source"], told["target"]) == ("Solgården", "Månelyst")
    assert changed(told) == {"network.wifi.Solgaarden.psk": (None, "(set)")}
    again = await ivan.post("/profiles/copy", **both, field="network")
    assert again.status_code == 409
    assert "Månelyst says what Solgården says already." in again.text
    assert "Choose two different sites" in await ivan.page("/profiles/copy?source=Solgården&target=Solgården")
    assert (await ivan.browser.get("/profiles/copy?source=Mars&target=Solgården")).status_code == 404


async def test_a_copy_or_a_move_that_does_not_go_together_is_told_in_the_readers_words(kit: Kit) -> None:
    now = kit.clock.wall()
    async with kit.region.registry.begin() as t:
        skive = await t.municipalities.add("Skive", None, now)
        await t.layers.put("municipality", str(skive.id), {"night": {"ends": "06:00"}}, "ivan", now)
        sun, moon = await t.sites.named("Solgården"), await t.sites.named("Månelyst")
        await t.sites.move(sun.id, skive.id)
        await t.layers.put("site", str(moon.id), {"night": {"begins": "06:00"}}, "ivan", now)
    async with kit.signed_in(await kit.person("per", "it_admin", language="da")) as browser:
        per = Ivan(kit, browser, await kit.csrf(browser))
        shown = await per.page("/profiles/copy?source=Månelyst&target=Solgården")
        assert "<td>Natten begynder</td>" in shown
        found = re.search(r'name="seen" value="([^"]+)"', shown)
        assert found is not None
        both = {"source": "Månelyst", "target": "Solgården", "seen": found[1]}
        copied = await per.post("/profiles/copy", **both, field="night")
        async with kit.region.registry.begin() as t:
            await t.sites.move(sun.id, None)
            await t.layers.put("site", str(sun.id), {"night": {"begins": "06:00"}}, "ivan", now)
        moved = await per.post("/sites/move", name="Solgården", municipality="Skive")
    for refused in (copied, moved):
        assert refused.status_code == 422
        assert "natten begynder, når den slutter (på stationen st-" in html.unescape(refused.text)


async def test_clusters_and_municipalities_are_made_and_moved_on_the_page(ivan: Ivan) -> None:
    for path, name in (("/clusters", "Øst"), ("/municipalities", "Skive")):
        assert (await ivan.post(path, name=name)).headers["location"] == "/profiles"
        assert (await ivan.post(path, name=name)).status_code == 409
    await ivan.post("/municipalities/move", name="Skive", cluster="Øst")
    await ivan.post("/sites/move", name="Solgården", municipality="Skive")
    assert (await ivan.save("/profiles/cluster/1", volume="11")).headers["location"].endswith("saved=1")
    page = await ivan.page("/profiles")
    assert "says one setting" in page
    assert re.search(r"<option selected>\s*Skive", page)
    assert "otherwise: 11 (the cluster)" in await ivan.page("/profiles/site/1")
    assert (await ivan.post("/sites/move", name="Solgården", municipality="Mars")).status_code == 404
    await ivan.post("/sites/move", name="Solgården", municipality="")
    assert "otherwise: 55 (the region)" in await ivan.page("/profiles/site/1")
