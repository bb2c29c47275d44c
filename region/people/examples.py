"""What the API's document shows of people: one of each type."""

from __future__ import annotations

from region.people.api import NewPerson, PersonChange, SignedOut, SignInLink
from region.people.token_api import NewToken
from region.people.tokens import MadeToken
from region.registry.records import ApiToken, Bound, Person
from region.web.examples import A_MOMENT, A_TOKEN

TOKEN = ApiToken(
    A_TOKEN, "Import from the register", "site_staff", None, "", (Bound(3, "Solgården"),), False, "ivan",
    A_MOMENT, A_MOMENT + 90 * 86_400, None, None, "good",
)  # fmt: skip
EXAMPLES: tuple[object, ...] = (
    Person(1, "eva", "Eva Lund", "", "evaluator", None, "", "da", True, True, A_MOMENT, (Bound(3, "Solgården"),)),
    NewPerson(name="anna", role="clinician", clinic_id=1, display_name="Anna Holm", title="GP"),
    PersonChange(role="site_staff", sites=[3]),
    SignInLink(link="https://region.example/once/Zr3...", expires_s=900),
    SignedOut(browsers=2),
    TOKEN,
    NewToken(name="Import from the register", role="site_staff", sites=[3], days=90),
    MadeToken(f"{A_TOKEN}_qz3f...", TOKEN),
)
