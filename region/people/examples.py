"""What the API's document shows of people: one of each type."""

from __future__ import annotations

from region.people.api import NewPerson, PersonSettings, SignedOut, SignInLink
from region.registry.records import Bound, Person
from region.web.examples import A_MOMENT

EXAMPLES: tuple[object, ...] = (
    Person(1, "eva", "Eva Lund", "", "evaluator", None, "", "da", True, True, A_MOMENT, (Bound(3, "Solgården"),)),
    NewPerson(name="anna", role="clinician", clinic_id=1, display_name="Anna Holm", title="GP"),
    PersonSettings(role="site_staff", sites=[3], display_name="Eva Lund", title=""),
    SignInLink(link="https://region.example/once/Zr3...", expires_s=900),
    SignedOut(browsers=2),
)
