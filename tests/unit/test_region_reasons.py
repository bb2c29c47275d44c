"""Why the region does not take something: known again by its text, and told in both languages."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.reasons import Reason
from messaging.twin import Language
from region.reasons import ENGLISH, of, read, say
from region.registry import RegistryError
from region.registry.people import Binding, new_name
from region.registry.places import telephone, there
from region.registry.stations import serial_number
from region.registry.table import text
from region.web.refusals_told import RefusalTeller
from region.web.words import LANGUAGES, OWN, Catalogue

CATALOGUE = Catalogue()
CATALOGUE.add(OWN)
DANISH, BRITISH = (RefusalTeller(CATALOGUE.translator(one), CATALOGUE.has) for one in ("da", "en"))

NUMBERS = st.integers(0, 10**6).map(str)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "why": st.sampled_from([say("empty"), say("length", most=80), "of a newer region"]),
    "what": st.sampled_from(["name", "room", "display_name"]),
    "kind": st.sampled_from(["site", "clinic", "municipality"]),
    "level": st.sampled_from(["region", "station"]),
    "station": st.from_regex(r"st-[a-z0-9]{8}", fullmatch=True),
    "kinds": st.sampled_from(["sites", "clinics"]),
    **dict.fromkeys(("most", "count", "line", "cells", "headings"), NUMBERS),
}
names = st.text(string.ascii_letters + "åæøÅÆØ0123456789.", min_size=1, max_size=20)


def named(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


@pytest.mark.parametrize("code", ENGLISH)
@given(st.data())
def test_a_reason_is_known_again_by_its_text(code: str, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES.get(name, names)) for name in named(ENGLISH[code])}
    assert read(say(code, **values)) == Reason(code, values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words_with_the_same_values(language: Language) -> None:
    for code, english in ENGLISH.items():
        assert CATALOGUE.has(f"web.refusal.{code}")
        values = {name: f"<{name}>" for name in named(english)}
        shown = CATALOGUE.translator(language)(f"web.refusal.{code}", **values)
        assert all(value in shown for value in values.values()), code


@pytest.mark.parametrize(
    "refused",
    [
        lambda: text(" ", "room", 80), lambda: text("x" * 81, "name", 80), lambda: text("\x07", "called", 80),
        lambda: telephone("call me"), lambda: serial_number("!"), lambda: new_name("?"),
        lambda: there(None, "municipality", "Mars"), lambda: Binding("clinician").check(),
        lambda: Binding("site_staff").check(),
    ],
)  # fmt: skip
def test_what_the_registry_does_not_take_has_words(refused: Callable[[], object]) -> None:
    with pytest.raises(RegistryError) as error:
        refused()
    assert read(str(error.value)) is not None
    assert DANISH.why(str(error.value)) != str(error.value)
    assert BRITISH.why(str(error.value)) == str(error.value)


@pytest.mark.parametrize(
    ("english", "danish"),
    [
        (of("room", "empty"), "stuen: må ikke være tomt"),
        (say("not_there", kind="site", name="Mars"), "stedet Mars findes ikke"),
        (say("changed", level="site", by="ivan"), "stedet er imens blevet ændret af ivan: Se på det igen"),
        (say("and_more", why=say("quarantined", station="st-7sjaab0p"), count=3),
         "st-7sjaab0p er i karantæne og tager ikke imod kommandoer, før nogen har set på den; sådan er det med 3 til"),
    ],
)  # fmt: skip
def test_it_is_told_in_danish(english: str, danish: str) -> None:
    assert DANISH.why(english) == danish


def test_what_is_no_reason_of_ours_is_told_as_it_is_and_a_page_gives_no_hint_to_the_command_line() -> None:
    assert DANISH.why("no such luck") == "no such luck"
    assert "--missing" not in BRITISH.why(say("room_there", site="Solgården", room="Stue 1"))
    assert "region station" not in BRITISH.why(say("revoked", station="st-7sjaab0p"))
