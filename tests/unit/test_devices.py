"""Browsers in which somebody has signed in before: what their cookies prove, and when they prove nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.registry import Registry, Transaction
from region.registry.records import Person
from region.registry.table import Subject
from region.web import devices
from region.web.devices import LIVES_S, MOST_PEOPLE, Entry
from region.web.errors import TooManyTries
from region.web.limits import ACCOUNTS, ADDRESSES, DEVICES, SECOND_STEPS, Limits
from tests.kits.clock import ManualClock

NOW = 1_800_000_000.0
ADDRESS = "192.0.2.7"


async def _person(registry: Registry, name: str) -> Person:
    async with registry.begin() as t:
        return await t.people.add(name, "it_admin", NOW)


async def _signs_in(registry: Registry, person: Person, cookie: str | None = None, now: float = NOW) -> str:
    async with registry.begin() as t:
        return await devices.remember(t, cookie, person.id, now)


async def _known(registry: Registry, cookie: str | None, account: str, now: float = NOW) -> str:
    async with registry.read() as t:
        return await devices.known(t, cookie, account, now)


async def test_a_browser_is_known_at_every_process_for_its_person_alone_and_for_a_while(
    registry: Registry, beside: Registry
) -> None:
    anna, _ = await _person(registry, "anna"), await _person(registry, "bo")
    cookie = await _signs_in(registry, anna)
    device = await _known(registry, cookie, "anna")
    assert device
    assert await _known(beside, cookie, "Anna ") == device
    assert await _known(beside, cookie, "anna", NOW + LIVES_S - 1) == device
    assert await _known(beside, cookie, "anna", NOW + LIVES_S) == ""
    assert await _known(beside, cookie, "bo") == await _known(beside, cookie, "nobody") == ""


async def test_what_is_looked_up_does_not_hang_on_the_name(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time it takes would tell who there is."""
    anna, _ = await _person(registry, "anna"), await _person(registry, "bo")
    genuine = await _signs_in(registry, anna)
    forged = str(Entry(anna.id, "0" * 32, int(NOW + 60)).signed("a guess"))
    asked: list[str] = []
    row, rows = Subject._row, Subject._rows
    monkeypatch.setattr(Subject, "_row", lambda self, one: asked.append(str(one)) or row(self, one))
    monkeypatch.setattr(Subject, "_rows", lambda self, one: asked.append(str(one)) or rows(self, one))
    for cookie in (genuine, forged):
        of_each = []
        for name in ("anna", "bo", "nobody"):
            asked.clear()
            await _known(registry, cookie, name)
            of_each.append(tuple(asked))
        assert of_each[0]
        assert len(set(of_each)) == 1


async def test_processes_that_sign_somebody_in_at_once_use_one_key(registry: Registry, beside: Registry) -> None:
    anna = await _person(registry, "anna")
    cookies = await asyncio.gather(*(_signs_in(one, anna) for one in (registry, beside) * 3))
    found = [await _known(registry, cookie, "anna") for cookie in cookies]
    assert all(found)
    assert len(set(found)) == len(cookies), "each browser by itself"


async def test_people_share_a_browser_and_the_first_of_too_many_is_a_stranger_again(registry: Registry) -> None:
    people = [await _person(registry, f"nurse{number}") for number in range(MOST_PEOPLE + 1)]
    cookie = None
    for person in people[:-1]:
        cookie = await _signs_in(registry, person, cookie)
    assert all([await _known(registry, cookie, person.name) for person in people[:-1]])
    again = await _signs_in(registry, people[0], cookie)
    assert await _known(registry, again, people[0].name) not in ("", await _known(registry, cookie, people[0].name))
    full = await _signs_in(registry, people[-1], again)
    assert [bool(await _known(registry, full, person.name)) for person in people] == [True, False] + [True] * (
        MOST_PEOPLE - 1
    )
    assert len(full) < 1200, "a cookie that browsers take"


@pytest.mark.parametrize("part", range(4))
async def test_what_was_altered_proves_nothing(registry: Registry, part: int) -> None:
    anna, bo = await _person(registry, "anna"), await _person(registry, "bo")
    parts = (await _signs_in(registry, anna)).split(".")
    await _signs_in(registry, bo)
    parts[part] = {0: str(bo.id), 1: "0" * 32, 2: str(int(NOW + 10 * LIVES_S)), 3: "0" * 64}[part]
    cookie = ".".join(parts)
    assert len(devices.read(cookie)) == 1, "it can be read"
    assert await _known(registry, cookie, "anna") == await _known(registry, cookie, "bo") == ""


async def _end_all(t: Transaction, person: Person) -> None:
    await t.sessions.end_all(person.id)


async def _another_role(t: Transaction, person: Person) -> None:
    await t.people.change(
        person.id, role="evaluator", clinic_id=None, display_name="Anna", title="", language=None, sites=()
    )


@pytest.mark.parametrize("ends", [_end_all, _another_role])
async def test_with_the_sessions_of_a_person_the_browsers_are_forgotten(
    registry: Registry, beside: Registry, ends: Callable[[Transaction, Person], Awaitable[None]]
) -> None:
    anna, bo = await _person(registry, "anna"), await _person(registry, "bo")
    cookie = await _signs_in(registry, bo, await _signs_in(registry, anna))
    async with registry.begin() as t:
        await ends(t, anna)
    assert await _known(beside, cookie, "anna") == ""
    assert await _known(beside, cookie, "bo"), "nobody else's"
    assert await _known(beside, await _signs_in(beside, anna, cookie), "anna"), "it is known anew"
    assert await _known(beside, cookie, "anna") == "", "and the old cookie is not"


async def test_strangers_keep_nobody_out_of_the_browser_they_have(registry: Registry, beside: Registry) -> None:
    clock = ManualClock()
    here, there = Limits(registry, clock), Limits(beside, clock)
    for number in range(ACCOUNTS.tries):
        await here.take_sign_in("anna", f"198.51.100.{number}")
    for number in range(ADDRESSES.tries):
        await there.take_sign_in(f"name{number}", ADDRESS)
    with pytest.raises(TooManyTries):
        await there.take_sign_in("anna", "198.51.100.99")
    for limits in (here, there) * (DEVICES.tries // 2):
        await limits.take_sign_in("anna", ADDRESS, "a device")
    with pytest.raises(TooManyTries):
        await here.take_sign_in("anna", ADDRESS, "a device")
    await here.take_sign_in("anna", ADDRESS, "another device")


async def test_a_right_try_in_a_known_browser_is_given_back_to_it_alone(registry: Registry) -> None:
    limits = Limits(registry, ManualClock())
    for _ in range(ACCOUNTS.tries):
        await limits.take_sign_in("anna", ADDRESS)
    for _ in range(2 * DEVICES.tries):
        await limits.take_sign_in("anna", ADDRESS, "a device")
        await limits.signed_in("anna", ADDRESS, "a device")
    with pytest.raises(TooManyTries):
        await limits.take_sign_in("anna", ADDRESS)


async def test_no_name_that_is_typed_counts_as_somebody_s_second_step(registry: Registry) -> None:
    limits = Limits(registry, ManualClock())
    for name in ("anna, second step", "account anna", "device d"):
        for number in range(ACCOUNTS.tries):
            await limits.take_sign_in(name, f"192.0.2.{number}")
    for _ in range(SECOND_STEPS.tries):
        await limits.take_second_step("anna", "")
        await limits.take_second_step("anna", "d")
    for device in ("", "d"):
        with pytest.raises(TooManyTries):
            await limits.take_second_step("anna", device)
        await limits.second_step_was_right("anna", device)
        await limits.take_second_step("anna", device)


@given(st.text() | st.lists(st.from_regex(devices._ENTRY, fullmatch=True)).map("~".join))
def test_whatever_a_cookie_says_it_is_read_or_left_out(cookie: str) -> None:
    found = devices.read(cookie)
    assert len(found) <= MOST_PEOPLE
    assert devices.read(devices.write(found)) == found


@given(st.integers(0, 10**12 - 1), st.integers(0, 2**128 - 1), st.integers(0, 10**12 - 1), st.text(), st.text())
def test_a_signature_is_of_one_key(person: int, device: int, until: int, key: str, other: str) -> None:
    key, other = (one.encode("utf-8", "replace").decode() for one in (key, other))
    entry = Entry(person, f"{device:032x}", until).signed(key)
    assert devices.read(str(entry)) == (entry,)
    assert entry.is_genuine(key)
    assert entry.is_genuine(other) == (key == other)
