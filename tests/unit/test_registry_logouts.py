"""Sessions that end with the provider's, on both databases."""

from __future__ import annotations

import asyncio

from region.registry import Registry
from region.registry.records import Person, Vouched, digest

NOW = 1_800_000_000.0
ISSUER, OTHER = "https://login.region.test", "https://other.test"


async def _person(registry: Registry, name: str) -> Person:
    async with registry.begin() as t:
        person = await t.people.add(name, "evaluator", NOW)
        await t.identities.bind(ISSUER, f"subject-of-{name}", person.id, NOW)
        return await t.people.get(person.id)


async def _sessions(registry: Registry, person: Person, **began: Vouched | None) -> None:
    async with registry.begin() as t:
        for token, vouched in began.items():
            await t.sessions.start(token, person.id, "csrf", NOW, vouched=vouched)


async def _left(registry: Registry, *tokens: str) -> list[str]:
    async with registry.read() as t:
        return [one for one in tokens if await t.sessions.find(one, NOW + 1, 60, 60) is not None]


async def test_a_token_is_taken_by_one_of_two_at_once_and_forgotten_in_time(
    registry: Registry, beside: Registry
) -> None:
    async def take(one: Registry, name: str, now: float) -> bool:
        async with one.begin() as t:
            return await t.logouts.take(name, now + 100, now)

    for number in range(5):
        both = await asyncio.gather(take(registry, f"t{number}", NOW), take(beside, f"t{number}", NOW))
        assert sorted(both) == [False, True]
    assert not await take(beside, "t0", NOW + 99)
    assert await take(registry, "t0", NOW + 100)


async def test_what_ends_is_what_was_begun_by_that_provider_and_named(registry: Registry) -> None:
    anna, bo = await _person(registry, "anna"), await _person(registry, "bo")
    one, two = Vouched(ISSUER, digest("s1")), Vouched(ISSUER, digest("s2"))
    await _sessions(registry, anna, a1=one, a2=two, bare=Vouched(ISSUER), own=None, far=Vouched(OTHER, digest("s1")))
    await _sessions(registry, bo, b1=Vouched(ISSUER, digest("s3")))
    everything = ("a1", "a2", "bare", "own", "far", "b1")
    async with registry.begin() as t:
        found = await t.sessions.find("a1", NOW + 1, 60, 60)
        assert found is not None
        assert found.vouched == one
        assert await t.logouts.end(ISSUER, None, None) == []
        assert await t.logouts.end(ISSUER, "subject-of-nobody", "s9") == []
        assert await t.logouts.end(ISSUER, None, "s1") == [(anna, 1)]
    assert await _left(registry, *everything) == ["a2", "bare", "own", "far", "b1"]
    async with registry.begin() as t:
        assert await t.logouts.end(ISSUER, "subject-of-anna", "s1") == [(anna, 1)]
    assert await _left(registry, *everything) == ["a2", "own", "far", "b1"]
    await _sessions(registry, anna, a3=two)
    async with registry.begin() as t:
        assert await t.logouts.end(ISSUER, "subject-of-anna", None) == [(anna, 2)]
    assert await _left(registry, *everything, "a3") == ["own", "far", "b1"]
