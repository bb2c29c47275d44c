"""Whom the provider vouches for is let in: as the person they are known as here, or as a new one."""

from __future__ import annotations

from collections.abc import Iterable

from region.registry import Conflict, Invalid, NotFound, Transaction
from region.registry.changes import of_person
from region.registry.people import Binding
from region.registry.records import Person
from region.web.errors import RegionSignInFailed
from region.web.oidc.mapping import Granted, Identity, granted
from region.web.oidc.settings import Grant

ACTOR = "region"


async def admit(t: Transaction, identity: Identity, grants: Iterable[Grant], now: float) -> Person:
    """The person, with the role and the places that the groups give today; whoever is new here is added.

    RegionSignInFailed: `no_group`, `no_place`, `bad_name`, `name_taken`, `blocked`.
    """
    may = granted(grants, identity.groups)
    if may is None:
        raise RegionSignInFailed("no_group", f"{_who(identity)} is in none of the groups that the grants name")
    binding = await _binding(t, may, identity)
    known = await t.identities.person(identity.issuer, identity.subject)
    if known is None:
        return await _added(t, identity, binding, now)
    if not known.active:
        raise RegionSignInFailed("blocked", f"{known.name} is shut out here")
    return await _brought_up(t, known, identity, binding, now)


async def _added(t: Transaction, identity: Identity, binding: Binding, now: float) -> Person:
    try:
        person = await t.people.add(
            identity.name, binding.role, now, clinic_id=binding.clinic_id, sites=binding.sites,
            display_name=identity.display_name,
        )  # fmt: skip
    except Conflict as error:
        told = f"{_who(identity)} has the name of a local account. If that is theirs: region user bind"
        raise RegionSignInFailed("name_taken", told) from error
    except Invalid as error:
        raise RegionSignInFailed("bad_name", f"{_who(identity)}: {error}") from error
    await t.identities.bind(identity.issuer, identity.subject, person.id, now)
    await t.audit.add(ACTOR, "user.add", "done", now, person=person.name, role=person.role, how="oidc")
    return await t.people.get(person.id)


async def _brought_up(t: Transaction, known: Person, identity: Identity, binding: Binding, now: float) -> Person:
    """Another role ends the sessions of before, as it does when somebody of IT gives it."""
    person = await t.people.change(
        known.id, role=binding.role, clinic_id=binding.clinic_id, sites=binding.sites, title=known.title,
        display_name=identity.display_name or known.display_name, language=known.language,
    )  # fmt: skip
    if person != known:
        await t.audit.add(ACTOR, "person.change", "done", now, of_person(known, person), person=person.name, how="oidc")
    return person


async def _binding(t: Transaction, may: Granted, identity: Identity) -> Binding:
    try:
        sites = [(await t.sites.named(name)).id for name in may.sites]
        clinic = await t.clinics.named(may.clinic) if may.clinic else None
    except NotFound as error:
        told = f"{_who(identity)} would be {may.role}, but a grant names a place that is not there: {error}"
        raise RegionSignInFailed("no_place", told) from error
    return Binding(may.role, None if clinic is None else clinic.id, tuple(sites))


def _who(identity: Identity) -> str:
    return f"{identity.name!r} (subject {identity.subject!r} of {identity.issuer})"
