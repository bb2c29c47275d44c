"""What the screen says while another than the clinic is called, and before a call is answered by itself."""

from __future__ import annotations

import pytest

from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.local import CallState
from messaging.settings import Opening, Screen
from tests.kits.station.screen_scenes import NOW, agent_view, call_view

SHUT = Opening(closed=("2026-11-21",))


def shown(state: CallState, **changes: object) -> ScreenView:
    return screen_view(call_view(state, **changes), agent_view(), Noticed(NOW))


@pytest.mark.parametrize(
    ("config", "headline", "sub"),
    [
        ({}, "Vi ringer til Lægevagten …", "Lægerne ved Havnen svarer ikke lige nu, så vi ringer et andet sted hen."),
        (
            {"opening": SHUT},
            "Vi ringer til Lægevagten …",
            "Lægerne ved Havnen har lukket, så vi ringer et andet sted hen.",
        ),
        ({"screen": Screen(clinic=False)}, "Vi ringer til lægen …", "Bliv bare siddende. Nogen svarer om lidt."),
    ],
)
def test_when_another_than_the_clinic_is_called_it_says_whom_and_why(
    config: dict[str, object], headline: str, sub: str
) -> None:
    agent = agent_view(fallback="Lægevagten", **config)
    view = screen_view(call_view("calling", fallback=True, since=NOW - 5), agent, Noticed(NOW))
    assert (view.headline, view.sub) == (headline, sub)


def test_while_the_clinic_is_closed_the_button_is_for_the_other() -> None:
    shut = agent_view(fallback="Lægevagten", opening=SHUT)
    view = screen_view(call_view("idle"), shut, Noticed(NOW))
    assert view.bar_text == "Tryk på knappen, så ringer vi til Lægevagten"
    alone = agent_view(opening=SHUT)
    assert screen_view(call_view("idle"), alone, Noticed(NOW)).bar_text.endswith("Lægerne ved Havnen")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (15.0, "Vi svarer for dig om 15 sekunder. Så kan I se og høre hinanden."),
        (1.2, "Vi svarer for dig om 2 sekunder. Så kan I se og høre hinanden."),
        (0.9, "Vi svarer for dig nu."),
        (-1.0, "Vi svarer for dig nu."),
    ],
)
def test_before_it_answers_by_itself_it_counts_down_and_says_how_to_say_no(left: float, said: str) -> None:
    view = shown("ringing", outgoing=False, answers_at=NOW + left)
    assert (view.headline, view.sub) == ("Anna Holm ringer", said)
    assert view.bar_text == "Vil du ikke tale nu? Tryk på knappen"
    assert (view.live, view.own) == ("", False)


def test_a_no_is_taken_kindly() -> None:
    view = shown("feedback", outgoing=False, reason="declined")
    assert (view.headline, view.sub) == ("Vi svarede ikke", "Anna Holm har fået besked. Du kan altid selv ringe.")
    assert (view.tone, view.bar) == ("calm", "none")
