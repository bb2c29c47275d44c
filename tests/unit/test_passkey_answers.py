"""Whatever a browser may send in place of a passkey's answer, and where browsers have passkeys at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from region.registry.records import Passkey, Person
from region.web.passkeys import Ceremony, PasskeyRefused, are_possible
from tests.kits.examples import examples
from tests.kits.region.passkeys import ORIGIN, SecurityKey


@pytest.mark.parametrize(("url", "possible"), [
    ("https://region.example", True), ("http://localhost:8400", True), ("https://localhost", True),
    ("http://region.example", False), ("https://10.0.0.5", False), ("http://127.0.0.1:8400", False),
    ("https://[fd00::5]:8400", False),
])  # fmt: skip
def test_passkeys_need_a_name_and_https_or_the_machine_itself(url: str, possible: bool) -> None:
    assert are_possible(url) == possible


_KEY = SecurityKey()
_PERSON = Person(7, "ivan", "Ivan", "", "it_admin", None, "", None, True, True, 0.0)
_HERE = Ceremony(ORIGIN, "a session")
_KNOWN = Passkey(1, 7, _HERE.made(_KEY.make(_HERE.to_make(_PERSON, []))).credential, "mine", 1, 0.0, None)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize(
    "where", ["authenticatorData", "clientDataJSON", "signature", "attestationObject", "userHandle"]
)
def test_a_number_in_place_of_bytes_costs_no_memory(where: str) -> None:
    for answer, judge in (
        (_KEY.use(_HERE.to_use([_KNOWN])), lambda said: _HERE.used([_KNOWN], said)),
        (_KEY.make(_HERE.to_make(_PERSON, [])), _HERE.made),
    ):
        said = json.loads(answer)
        said["response"][where] = 10**11
        with pytest.raises(PasskeyRefused, match="no text"):
            judge(json.dumps(said))


@settings(max_examples=examples(60))
@given(st.sampled_from(["id", "rawId", "type", "response", "authenticatorData", "clientDataJSON", "signature",
                        "attestationObject"]), _json | st.binary(max_size=60).map(lambda raw: raw.hex()))  # fmt: skip
def test_whatever_is_sent_in_place_of_an_answer_is_refused_in_words(where: str, what: object) -> None:
    for answer, judge in (
        (_KEY.use(_HERE.to_use([_KNOWN])), lambda said: _HERE.used([_KNOWN], said)),
        (_KEY.make(_HERE.to_make(_PERSON, [])), _HERE.made),
    ):
        said = json.loads(answer)
        place = said["response"] if where in said["response"] else said
        if where not in place or where in ("id", "type"):
            continue
        place[where] = what
        with pytest.raises(PasskeyRefused):
            judge(json.dumps(said))


@given(st.text(max_size=50) | _json.map(json.dumps))
def test_any_text_is_refused(said: str) -> None:
    for judge in (lambda: _HERE.used([_KNOWN], said), lambda: _HERE.made(said)):
        with pytest.raises(PasskeyRefused):
            judge()
