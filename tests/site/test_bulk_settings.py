"""Settings of many stations at once: all of them or none, what is left empty stays, and each is told of in the log."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.authority.setting_fields import AS_ABOVE, read_values, settings
from region.registry import Refused, Registry
from region.stations.layout import LayoutService
from tests.kits.clock import ManualClock
from tests.kits.region.app import Kit
from tests.kits.region.stations import NOW, stand


async def _said(registry: Registry) -> dict[str, dict[str, Any]]:
    async with registry.read() as t:
        return await t.layers.of_stations()


async def test_each_says_it_itself_and_only_those_that_change_are_told_anew(registry: Registry) -> None:
    one, two, three = await stand(registry, 3)
    layout = LayoutService(registry, ManualClock())
    async with registry.begin() as t:
        await t.layers.put("station", one, {"volume": 30, "framing": False}, "ivan", NOW)
        await t.layers.put("station", two, {"framing": False}, "ivan", NOW)
        stations = {each.id: each for each in await t.stations.all()}
    changes = await layout.say_each("ivan", [stations[one], stations[two]], [(("volume",), 30), (("framing",), None)])
    assert [len(changes[station]) for station in (one, two)] == [1, 2]
    assert await _said(registry) == {one: {"volume": 30}, two: {"volume": 30}}
    async with registry.read() as t:
        after = {each.id: each.desired_version - stations[each.id].desired_version for each in await t.stations.all()}
        told = [row.station_id for row in await t.audit.recent() if row.action == "layer.change"]
        assert [each.volume for each in await t.stations.all() if each.id == two] == [30]
    assert after == {one: 1, two: 1, three: 0}
    assert sorted(told) == sorted([one, two])
    assert not any((await layout.say_each("ivan", [stations[one]], [(("volume",), 30)])).values())


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [(("volume",), 300, "volume"), (("clinic",), "Mars", "clinic"), (("auto_answer", "on"), True, "auto_answer")],
)  # fmt: skip
async def test_where_one_cannot_have_it_none_has(registry: Registry, path: Any, value: Any, field: str) -> None:
    await stand(registry, 2)
    async with registry.read() as t:
        stations = await t.stations.all()
    with pytest.raises(Refused) as refused:
        await LayoutService(registry, ManualClock()).say_each("ivan", stations, [(path, value)])
    assert any(name.startswith(field) for name in refused.value.fields)
    assert await _said(registry) == {}


@given(st.dictionaries(st.sampled_from([one.name for one in settings("station")]), st.text(max_size=8), max_size=6))
def test_whatever_is_written_is_a_value_taken_away_left_or_told(texts: dict[str, str]) -> None:
    values, wrong = read_values(texts)
    spoken = {name for name, text in texts.items() if text.strip()}
    assert {".".join(path) for path, _ in values} | set(wrong) == spoken
    taken_away = {".".join(path) for path, value in values if value is None}
    assert taken_away == {name for name in spoken if texts[name].strip() == AS_ABOVE}


@pytest.mark.usefixtures("station")
async def test_from_the_list_to_what_changed_at_each(kit: Kit, ivan: httpx.AsyncClient) -> None:
    page = (await ivan.post("/bulk", data={"whom": "found", "where": "site=Solgården"})).text
    assert "Change settings of one station" in page
    ids = re.search(r'<textarea name="stations" hidden>([^<]*)<', page)[1]
    form = await ivan.post("/bulk/settings", data={"stations": ids, "where": "site=Solgården"})
    assert "stays as it is" in form.text
    saved = await ivan.post("/bulk/settings/save", data={
        "stations": ids, "where": "site=Solgården", "volume": "25", "night.on": "yes", "language": "",
    })  # fmt: skip
    told = html.unescape(saved.text)
    assert "1 stations changed" in told
    assert "Volume in a call (0 to 100): – → 25" in told
    assert 'href="/fleet?site=Solgården"' in told
    said = await _said(kit.region.registry)
    assert {"volume": 25, "night": {"on": True}}.items() <= said[ids].items()
    again = await ivan.post("/bulk/settings/save", data={"stations": ids, "volume": "="})
    assert "25 → as above" in html.unescape(again.text)
    assert "volume" not in (await _said(kit.region.registry))[ids]


@pytest.mark.usefixtures("station")
async def test_a_fault_is_told_at_its_field_and_nothing_is_saved(kit: Kit, ivan: httpx.AsyncClient) -> None:
    async with kit.region.registry.read() as t:
        (station,) = await t.stations.all()
    before = await _said(kit.region.registry)
    for fields, told in (
        ({"volume": "loud"}, "expected a whole number"), ({"volume": "300"}, "300"), ({}, "nothing was written"),
        ({"auto_answer.on": "yes"}, "nobody has consented"),
    ):  # fmt: skip
        answer = await ivan.post("/bulk/settings/save", data={"stations": station.id, **fields})
        assert answer.status_code == 422, fields
        assert told in answer.text, fields
    for nobody in ("st-00000000", " "):
        assert (await ivan.post("/bulk/settings/save", data={"stations": nobody, "volume": "1"})).status_code == 404
    assert await _said(kit.region.registry) == before


@pytest.mark.usefixtures("station")
async def test_the_api_sets_what_a_filter_finds(kit: Kit, ivan: httpx.AsyncClient) -> None:
    async with kit.region.registry.read() as t:
        (station,) = await t.stations.all()
    headers = {"accept": "application/json"}
    wanted = {"values": {"volume": 11, "night.on": True}, "where": ["site=Solgården"]}
    answer = await ivan.post("/api/settings", json=wanted, headers=headers)
    assert answer.json() == {"stations": {station.id: ["night.on", "volume"]}}
    back = await ivan.post(
        "/api/settings", json={"values": {"night.on": None}, "stations": [station.id]}, headers=headers
    )
    assert back.json() == {"stations": {station.id: ["night.on"]}}
    assert (await _said(kit.region.registry))[station.id]["volume"] == 11
    for wrong, status in (
        ({"values": {"volume": 1}}, 422), ({"values": {}, "where": []}, 422),
        ({"values": {"volume": 300}, "where": []}, 422),
        ({"values": {"volume": 1}, "where": ["site=Mars"]}, 404), ({"values": {"": 1}, "where": []}, 422),
    ):  # fmt: skip
        assert (await ivan.post("/api/settings", json=wrong, headers=headers)).status_code == status, wrong
