"""The table of people: who may sign in, as what, and where. Passwords are in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from region.reasons import say
from region.registry.changes import of_person
from region.registry.people import Account, Binding, new_name, sign_in_name
from region.registry.records import Clinic, Person, Role, Site
from region.stations.importing.cells import Known, Wrong, checked, language, remark
from region.stations.importing.kinds import BAR
from region.stations.importing.taking import Once, Taking
from region.stations.tables import Row


async def take_people(taking: Taking, rows: Sequence[Row]) -> None:
    """People: added, or changed in what the table says of them.

    As on the pages, nobody gives oneself another role; and no table takes the last administrator away.
    """
    t, once = taking.t, Once()
    known = {one.name: one for one in await t.people.all()}
    judge = _Judge(
        known, Known("clinic", "clinics", await t.clinics.all()), Known("site", "sites", await t.sites.all())
    )

    def judged(row: Row) -> Account:
        once.note(row, "name", sign_in_name(row.cells["name"]))
        account = judge.account(row.cells)
        before = known.get(taking.actor)
        if before is not None and account.name == before.name and account.binding.role != before.role:
            raise Wrong("role", say("own_role"))
        return account

    found = taking.each(rows, judged)
    _keep_an_administrator(taking, found, known)
    accounts = [account for _, account in found]
    new = [one for one in accounts if one.name not in known]
    changed = [one for one in accounts if one.name in known and one != _as_it_is(known[one.name])]
    await t.people.put_each([*new, *changed], taking.now)
    for one in new:
        await taking.tell("user.add", person=one.name, role=one.binding.role)
    after = {one.name: one for one in await t.people.all()} if changed else {}
    for one in changed:
        await taking.tell("person.change", of_person(known[one.name], after[one.name]), person=one.name)
    taking.count(added=new, changed=changed, of=len(rows))


def _keep_an_administrator(taking: Taking, found: Sequence[tuple[Row, Account]], known: Mapping[str, Person]) -> None:
    """BadTable, at each row that takes the role from somebody, where nobody who is let in would have it any more."""
    before = {one.name for one in known.values() if one.role == "it_admin" and one.active}
    another = [(row, one.name) for row, one in found if one.name in before and one.binding.role != "it_admin"]
    comes = {
        one.name for _, one in found
        if one.binding.role == "it_admin" and (one.name not in known or known[one.name].active)
    }  # fmt: skip
    if before and not comes | (before - {name for _, name in another}):
        for row, _ in another:
            taking.fault(row, "role", say("last_administrator"))
        taking.check()


@dataclass(frozen=True)
class _Judge:
    known: Mapping[str, Person]
    clinics: Known[Clinic]
    sites: Known[Site]

    def account(self, cells: Mapping[str, str]) -> Account:
        """What a row comes to; a column that is not there leaves what is known as it is."""
        known = self.known.get(sign_in_name(cells["name"]))
        name = checked("name", lambda: new_name(cells["name"])) if known is None else known.name
        shown = remark("display_name", cells.get("display_name", "")) or (known.display_name if known else name)
        return Account(
            name=name, binding=self._binding(cells, known), display_name=shown,
            title=known.title if known and "title" not in cells else remark("title", cells.get("title", "")),
            language=known.language if known and "language" not in cells else language(cells.get("language", "")),
        )  # fmt: skip

    def _binding(self, cells: Mapping[str, str], known: Person | None) -> Binding:
        if cells["role"] not in get_args(Role):
            raise Wrong("role", say("one_of", options=", ".join(get_args(Role))))
        clinic = self.clinics.perhaps("clinic", cells.get("clinic", ""))
        clinic_id = known.clinic_id if known and "clinic" not in cells else clinic.id if clinic else None
        sites = tuple(one.id for one in known.sites) if known and "sites" not in cells else self._sites(cells)
        binding = Binding(cast("Role", cells["role"]), clinic_id, sites)
        checked("clinic" if binding.role == "clinician" else "sites", binding.check)
        return Binding(binding.role, clinic_id, binding.bound)

    def _sites(self, cells: Mapping[str, str]) -> tuple[int, ...]:
        names = (one.strip() for one in cells.get("sites", "").split(BAR))
        return tuple(self.sites.named("sites", name).id for name in names if name)


def _as_it_is(person: Person) -> Account:
    where = Binding(person.role, person.clinic_id, tuple(site.id for site in person.sites))
    return Account(
        person.name, Binding(where.role, where.clinic_id, where.bound), person.display_name, person.title,
        person.language,
    )  # fmt: skip
