"""When the clinic is open, and what the resident is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.opening import is_open, opens_next
from messaging.settings import Opening, Span, Week
from messaging.twin import Language
from tests.kits.station.screen_scenes import agent_view, call_view

DAY = (Span("08:00", "12:00"), Span("13:00", "16:00"))
WEEK = Week(DAY, DAY, DAY, DAY, (Span("08:00", "14:00"),), (), ())
HOURS = Opening(WEEK, ("2026-12-24", "2026-12-25"))
NBSP = "\N{NO-BREAK SPACE}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23T08:00", None),
        ("2026-11-23T11:59", None),
        ("2026-11-23T07:59", "2026-11-23T08:00"),
        ("2026-11-23T12:00", "2026-11-23T13:00"),
        ("2026-11-23T16:00", "2026-11-24T08:00"),
        ("2026-11-27T14:30", "2026-11-30T08:00"),  # Friday afternoon
        ("2026-12-23T17:00", "2026-12-28T08:00"),  # over Christmas and its weekend
    ],
)
def test_when_it_opens_again(now: str, opens: str | None) -> None:
    assert opens_next(HOURS, at(now)) == (at(opens) if opens else None)
    assert is_open(HOURS, at(now)) == (opens is None)


def test_a_clinic_that_has_said_no_hours_is_always_open() -> None:
    assert opens_next(Opening(), at("2026-11-22T03:00")) is None


def test_a_clinic_that_says_closed_days_only_is_open_on_all_others() -> None:
    christmas = Opening(closed=("2026-12-24",))
    assert is_open(christmas, at("2026-12-23T23:59"))
    assert opens_next(christmas, at("2026-12-24T10:00")) == at("2026-12-25T00:00")


def test_hours_to_midnight_end_with_the_day() -> None:
    late = Opening(Week(mon=(Span("18:00", "00:00"),)))
    assert is_open(late, at("2026-11-23T23:59"))
    assert not is_open(late, at("2026-11-24T00:00"))


def test_a_clinic_that_is_never_open_is_promised_to_nobody() -> None:
    assert opens_next(Opening(Week(mon=())), at("2026-11-23T10:00")) is None
    assert not is_open(Opening(Week(mon=())), at("2026-11-23T10:00"))


_SPANS = st.lists(st.integers(0, 23), max_size=4, unique=True).map(sorted).map(
    lambda hours: tuple(Span(f"{a:02}:00", f"{b:02}:00") for a, b in zip(hours[::2], hours[1::2], strict=False))
)  # fmt: skip


@given(st.builds(Opening, st.builds(Week, *[st.none() | _SPANS] * 7)), st.integers(0, 10 * 86_400))
def test_it_is_open_when_it_was_said_to_open_and_closed_until_then(opening: Opening, seconds: int) -> None:
    now = at("2026-11-22T00:00") + timedelta(seconds=seconds)
    opens = opens_next(opening, now)
    if opens is None:
        return
    assert opens > now
    assert is_open(opening, opens)
    assert not is_open(opening, opens - timedelta(minutes=1))
    assert not is_open(opening, now + (opens - now) / 2)


def shown(state: str, now: datetime, language: Language = "da", clock: str = "ntp", **config: object) -> ScreenView:
    """The screen under these hours, at a local time of the machine that the test runs on."""
    agent = agent_view(language)
    agent = replace(agent, clock=clock, config=replace(agent.config, opening=HOURS, **config))  # type: ignore[arg-type]
    reason = "no_answer" if state == "feedback" else None
    return screen_view(call_view(state, reason=reason), agent, Noticed(now.timestamp()))  # type: ignore[arg-type]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    ("now", "language", "said"),
    [
        ("2026-11-23T07:00", "da", "Lægerne ved Havnen har åbent igen i dag kl. 08.00"),
        ("2026-11-23T17:00", "da", "Lægerne ved Havnen har åbent igen i morgen kl. 08.00"),
        ("2026-11-27T17:00", "da", "Lægerne ved Havnen har åbent igen mandag kl. 08.00"),
        ("2026-11-27T17:00", "en", "Lægerne ved Havnen opens again Monday at 08:00"),
        ("2026-11-23T17:00", "en", "Lægerne ved Havnen opens again tomorrow at 08:00"),
        ("2026-11-23T10:00", "da", ""),
    ],
)
def test_the_screen_at_rest_says_when_the_doctor_is_there_again(now: str, language: Language, said: str) -> None:
    view = shown("idle", local(now), language)
    assert view.notice == said
    assert view.bar == "button", "a press is still taken: whoever is there may answer"


def test_a_day_far_off_is_named_by_its_date() -> None:
    view = screen_view(
        call_view("idle"),
        replace(
            agent_view(),
            config=replace(
                agent_view().config,
                opening=Opening(closed=tuple(f"2026-11-{day:02}" for day in range(20, 31))),
            ),
        ),
        Noticed(local("2026-11-22T10:00").timestamp()),
    )
    assert view.notice.endswith("har åbent igen tirsdag den 1. december kl. 00.00")


def test_nothing_is_said_of_hours_by_a_clock_that_is_wrong() -> None:
    assert shown("idle", local("2026-11-23T17:00"), clock="unset").notice == ""


def test_a_press_in_vain_while_it_is_closed_says_when_it_opens_and_whom_to_phone_meanwhile() -> None:
    view = shown("feedback", local("2026-11-23T17:00"), fallback_phone="70113131")
    assert view.sub == "Lægerne ved Havnen har åbent igen i morgen kl. 08.00"
    assert (view.bar, view.bar_text) == ("phone", f"Ring i stedet på {NBSP.join(('70', '11', '31', '31'))}")


def test_a_press_in_vain_in_opening_hours_gives_the_clinic_s_number() -> None:
    view = shown("feedback", local("2026-11-23T10:00"), fallback_phone="70113131")
    assert view.sub == "Prøv igen om lidt."
    assert "Lægerne ved Havnen" in view.bar_text


def test_without_a_number_of_the_clinic_the_other_one_is_given() -> None:
    view = shown("offline", local("2026-11-23T10:00"), phone="", fallback_phone="+45 70 11 31 31", language="en")
    assert (view.bar, view.bar_text) == ("phone", f"Phone {'+45 70 11 31 31'.replace(' ', NBSP)} instead")


def test_a_region_that_says_closed_is_believed_over_the_hours() -> None:
    agent = agent_view(opening=HOURS, fallback_phone="70113131")
    view = screen_view(
        call_view("feedback", reason="closed"), agent, Noticed(local("2026-11-23T10:00").timestamp())
    )  # fmt: skip
    assert view.sub == "Prøv igen i åbningstiden."
    assert "70" in view.bar_text
    assert view.bar_text.startswith("Ring i stedet")


def test_a_clinic_s_name_is_never_taken_for_a_form() -> None:
    view = shown("feedback", local("2026-11-23T17:00"), clinic="{Læge} {0}")
    assert view.sub == "{Læge} {0} har åbent igen i morgen kl. 08.00"
