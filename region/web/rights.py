"""Who may use what: every right there is, and what each role may see. The one table of it.

A route states its right by a parameter of its handler (`session: ItAdmin`, `Clinician` ... of `region.web.auth`), and a
region with a route that states none does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from region.registry.records import Person, Role, Station

EVERYBODY: frozenset[Role] = frozenset(get_args(Role))


@dataclass(frozen=True)
class Right:
    """A right by its name: the roles that have it; None: whoever comes, signed in or not.

    `halfway`: also before the second step. `in_person`: with no API token.
    """

    name: str
    roles: frozenset[Role] | None
    halfway: bool = False
    in_person: bool = False

    def of(self, person: Person | None) -> bool:
        """Whether this person has it."""
        return self.roles is None or (person is not None and person.role in self.roles)


ANYBODY = Right("anybody", None)
SIGNED = Right("signed", None)  # what is brought is signed by whom it must be: no cookie, and so no other site to fear
HALFWAY = Right("halfway", EVERYBODY, halfway=True)
OWN_ACCOUNT = Right("own_account", EVERYBODY)
DESK = Right("desk", frozenset({"clinician"}))
HOME = Right("home", frozenset({"site_staff"}))
FIGURES = Right("figures", frozenset({"it_admin", "evaluator"}))
REGION = Right("region", frozenset({"it_admin"}))
PEOPLE = Right("people", frozenset({"it_admin"}), in_person=True)  # who is let in, by whatever


@dataclass(frozen=True)
class Scope:
    """The places that somebody may see; None: all of them."""

    sites: frozenset[int] | None = None
    clinics: frozenset[int] | None = None

    @property
    def is_whole(self) -> bool:
        """Nothing is held back."""
        return self.sites is None and self.clinics is None

    def has(self, station: Station) -> bool:
        """Whether the station stands in it."""
        return self.is_whole or self.has_site(station.site_id) or self.has_clinic(station.clinic_id)

    def has_site(self, site_id: int) -> bool:
        """Whether the site is in it."""
        return self.is_whole or site_id in (self.sites or ())

    def has_clinic(self, clinic_id: int | None) -> bool:
        """Whether the clinic is in it."""
        return self.is_whole or clinic_id in (self.clinics or ())


def scope_of(person: Person) -> Scope:
    """What this person is bound to: a clinician to the clinic, a site's staff to their sites.

    IT sees all; an evaluator too, unless bound to some sites or a clinic.
    """
    if person.role == "it_admin" or (person.role == "evaluator" and not person.sites and person.clinic_id is None):
        return Scope()
    clinics = frozenset(() if person.clinic_id is None else (person.clinic_id,))
    sites = frozenset(site.id for site in person.sites)
    match person.role:
        case "clinician":
            return Scope(frozenset(), clinics)
        case "site_staff":
            return Scope(sites, frozenset())
        case _:
            return Scope(sites, clinics)
