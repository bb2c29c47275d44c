"""What the screen shows, for every state, in both languages: the pure view, without Qt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.screen.pages import AWAY_LONG_S, FROZEN_AFTER_S, LOST_LONG_S
from kiosk_ui.screen.palette import PALETTES
from kiosk_ui.screen.shown import Layout, Noticed, ScreenView, Tone
from kiosk_ui.screen.view import screen_view
from kiosk_ui.words import Words
from messaging.call import Devices, DeviceState, EndReason
from messaging.local import AgentView, CallState, CallView, FaultReason, Looking
from messaging.twin import Config, Language
from tests.kits.station.screen_scenes import LONG, NOW, agent_view, call_view, scenes

NBSP = "\N{NO-BREAK SPACE}"
PHONE = NBSP.join(("70", "12", "34", "56"))
STATES: tuple[CallState, ...] = get_args(CallState)
LANGUAGES: tuple[Language, ...] = get_args(Language)
LIVE = ("calling", "connecting", "in_call", "ending")
FRESH = Noticed(NOW, remote_age=0.02, own_age=0.02)


def at(hour: int) -> Noticed:
    """That hour of the day where the test runs."""
    local = datetime.fromtimestamp(NOW, UTC).astimezone().replace(hour=hour, minute=5)
    return Noticed(local.timestamp())


def shown(state: CallState, noticed: Noticed = FRESH, language: Language = "da", **changes: object) -> ScreenView:
    return screen_view(call_view(state, **changes), agent_view(language), noticed)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("link", ["up", "down"])
@pytest.mark.parametrize("state", STATES)
def test_every_state_says_something_in_the_stations_language_whatever_the_agents_link(
    state: CallState, link: str, language: Language
) -> None:
    agent = replace(agent_view(language), link=link)  # type: ignore[arg-type]
    view = screen_view(call_view(state), agent, FRESH)
    assert view.language == language
    assert view.headline or view.clock or view.name
    assert view == screen_view(call_view(state), agent_view(language), FRESH)  # the call's own link is what counts
    other = screen_view(call_view(state), agent_view("en" if language == "da" else "da"), FRESH)
    assert (view.headline, view.sub, view.clock, view.bar_text) != (
        other.headline,
        other.sub,
        other.clock,
        other.bar_text,
    )


def test_at_rest_it_shows_the_time_the_day_and_whom_the_button_calls() -> None:
    view = shown("idle", at(14))
    assert view.layout == "idle"
    assert view.clock == "kl. 14.05"
    assert view.date == "Lørdag den 21. november"
    assert view.bar_text == "Tryk på knappen, så ringer vi til Lægerne ved Havnen"
    assert view.station == "Stue 12 · Plejehjemmet Solgården"
    assert view.live == ""


def test_no_time_is_shown_while_the_clock_has_not_been_set() -> None:
    view = screen_view(call_view("idle"), replace(agent_view(), clock="unset"), at(14))
    assert (view.clock, view.date) == ("", "")
    assert view.headline == "Goddag"
    assert view.tone == "calm"


@pytest.mark.parametrize(
    ("hour", "tone"), [(6, "night"), (7, "calm"), (14, "calm"), (20, "calm"), (21, "night"), (2, "night")]
)
def test_at_night_the_screen_at_rest_is_dark(hour: int, tone: Tone) -> None:
    assert shown("idle", at(hour)).tone == tone


def test_at_night_a_call_is_as_bright_as_by_day() -> None:
    assert shown("ringing", at(2)).tone == shown("ringing", at(14)).tone


def test_before_the_agent_has_told_anything_the_button_is_explained_all_the_same() -> None:
    view = screen_view(call_view("idle"), None, replace(at(14), language="en"))
    assert view.bar_text == "Press the button, and we will call the doctor"


def test_while_calling_it_says_whom_and_how_to_stop() -> None:
    view = shown("calling")
    assert view.headline == "Vi ringer til Lægerne ved Havnen …"
    assert view.sub == Words("da").screen.calling_sub
    assert view.bar_text == "Vil du ikke ringe alligevel? Tryk på knappen"
    assert view.own


def test_after_a_minute_it_says_that_it_goes_on_calling() -> None:
    assert shown("calling", since=NOW - 61).sub == "Det tager lidt tid. Vi ringer stadig."


def test_when_the_clinic_calls_it_says_who_and_that_nobody_looks_in() -> None:
    view = shown("ringing", Noticed(NOW), outgoing=False)
    assert view.headline == "Anna Holm ringer"
    assert view.role == "læge"
    assert view.sub == "Ingen kan se eller høre dig, før du svarer."
    assert view.bar_text == "Tryk på knappen for at svare"
    assert (view.live, view.own, view.remote) == ("", False, False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_caller_without_a_name_is_the_clinic_and_without_a_clinic_the_doctor(language: Language) -> None:
    named = screen_view(call_view("ringing", peer_name=" "), agent_view(language), FRESH)
    assert named.headline.startswith("Lægerne ved Havnen")
    nameless = screen_view(call_view("ringing", peer_name=""), agent_view(language, clinic=""), FRESH)
    assert nameless.headline == {"da": "Lægen ringer", "en": "The doctor is calling"}[language]


def test_in_a_call_it_shows_the_picture_the_name_and_the_time() -> None:
    view = shown("in_call", connected_since=NOW - 185)
    assert (view.name, view.role, view.elapsed) == ("Anna Holm", "læge", "3:05")
    assert view.remote
    assert view.own
    assert not view.dimmed
    assert view.notice == ""
    assert view.bar_text == "Tryk på knappen for at lægge på"


def test_a_picture_that_stands_still_is_never_shown_as_a_live_one() -> None:
    view = shown("in_call", replace(FRESH, remote_age=FROZEN_AFTER_S + 0.1))
    assert view.dimmed
    assert view.notice == "Billedet står stille – lyden virker måske stadig"
    assert not shown("in_call", replace(FRESH, remote_age=FROZEN_AFTER_S - 0.1)).dimmed


def test_a_frozen_picture_is_said_before_anything_else() -> None:
    frozen = replace(FRESH, remote_age=9.0)
    view = shown("in_call", frozen, peer_microphone=False, devices=Devices(speaker="fault"))
    assert view.notice == Words("da").screen.frozen


def test_until_the_first_picture_comes_it_says_so() -> None:
    view = shown("in_call", replace(FRESH, remote_age=None))
    assert not view.remote
    assert view.notice == "Billedet er på vej …"


def test_a_clinician_who_turns_the_camera_off_is_not_shown_as_a_picture_that_has_stopped() -> None:
    view = shown("in_call", replace(FRESH, remote_age=60.0), peer_camera=False)
    assert not view.remote
    assert not view.dimmed
    assert view.notice == "Anna Holm har slukket sit kamera. I kan godt tale sammen."


def test_a_muted_clinician_is_told() -> None:
    assert shown("in_call", peer_microphone=False).notice.startswith("Anna Holm har slukket sin mikrofon")


@pytest.mark.parametrize(
    ("devices", "notice"),
    [
        (Devices(camera="missing"), "Anna Holm kan høre dig, men ikke se dig. Bare tal."),
        (Devices(microphone="fault"), "Anna Holm kan se dig, men ikke høre dig. Bed en medarbejder om hjælp."),
        (Devices(speaker="missing"), "Du kan ikke høre Anna Holm lige nu. Bed en medarbejder om hjælp."),
        (Devices("missing", "missing", "missing"), "Du kan ikke høre Anna Holm lige nu. Bed en medarbejder om hjælp."),
    ],
)
def test_in_a_call_with_what_there_is_the_lack_is_told_and_what_to_do(devices: Devices, notice: str) -> None:
    assert shown("in_call", devices=devices).notice == notice


@pytest.mark.parametrize(
    ("looking", "said"),
    [
        ("", ""),
        ("closer", "Lægen ser nærmere"),
        ("examination", "Lægen bruger det andet kamera"),
        ("still", "Lægen tager et billede"),
    ],
)
def test_whatever_the_clinician_does_with_the_picture_is_said(looking: Looking, said: str) -> None:
    view = shown("in_call", looking=looking, connected_since=NOW - 9)
    assert view.looking == said
    assert view.flash == (looking == "still")
    assert view.own_mirrored == (looking != "examination"), "a mirror is for faces"


@pytest.mark.parametrize("state", ["calling", "in_call"])
def test_a_covered_lens_is_said_unless_something_worse_is(state: CallState) -> None:
    assert "dækket til" in shown(state, lens="covered").notice
    assert "dækket til" not in shown(state, lens="dark").notice
    assert "dækket til" not in shown(state, lens="covered", devices=Devices(camera="missing")).notice
    assert "dækket til" not in shown(state, lens="covered", devices=Devices(speaker="fault")).notice


def test_before_a_call_a_missing_device_is_told() -> None:
    assert shown("idle", at(14), devices=Devices(camera="missing")).notice.startswith("Kameraet virker ikke lige nu.")


@pytest.mark.parametrize("state", STATES)
def test_whenever_camera_or_microphone_is_open_the_screen_says_so(state: CallState) -> None:
    assert bool(shown(state, Noticed(NOW)).live) == (state in LIVE)


def test_devices_that_have_not_closed_after_the_call_are_still_said_to_be_on() -> None:
    assert shown("feedback", Noticed(NOW), light="live").live == "Kamera og mikrofon er tændt"


@pytest.mark.parametrize("state", STATES)
def test_own_pictures_that_should_not_come_light_the_sign_in_every_state(state: CallState) -> None:
    assert shown(state, Noticed(NOW, own_age=0.1)).live


@pytest.mark.parametrize(
    ("camera", "microphone", "sign"),
    [
        ("ok", "ok", "Kamera og mikrofon er tændt"),
        ("ok", "missing", "Kameraet er tændt"),
        ("missing", "ok", "Mikrofonen er tændt"),
        ("fault", "fault", ""),
    ],
)
def test_the_sign_names_what_is_open(camera: DeviceState, microphone: DeviceState, sign: str) -> None:
    assert shown("in_call", Noticed(NOW), devices=Devices(camera, microphone)).live == sign


def test_the_sign_stays_while_pictures_come_after_station_call_went() -> None:
    view = screen_view(None, agent_view(), Noticed(NOW, away_for=0.5, own_age=0.2))
    assert view.live == "Kameraet er tændt"
    assert not view.own


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", get_args(EndReason))
def test_every_end_is_told_and_a_call_in_vain_gives_the_telephone_number(reason: EndReason, language: Language) -> None:
    view = shown("feedback", language=language, reason=reason)
    assert view.layout == "ended"
    assert view.headline
    assert "{" not in view.headline + view.sub
    wished = reason in ("resident_left", "clinician_left", "cancelled", "taken", "replaced")
    assert (PHONE in view.bar_text) == (not wished)
    assert (view.tone == "calm") == wished


@pytest.mark.parametrize("reason", ["cancelled", "no_answer", "clinician_left"])
def test_a_call_from_the_clinic_that_was_not_answered_is_no_reproach(reason: EndReason) -> None:
    view = shown("feedback", reason=reason, outgoing=False)
    assert view.headline == "Anna Holm har ringet"
    assert view.tone == "calm"
    assert view.bar_text == ""


def test_a_call_from_the_clinic_that_was_a_call_is_over_when_the_clinic_hangs_up() -> None:
    view = shown("feedback", reason="clinician_left", outgoing=False, connected_since=NOW - 60)
    assert (view.headline, view.tone) == ("Samtalen er slut", "calm")


def test_an_end_without_a_reason_is_our_fault() -> None:
    assert shown("feedback", reason=None).headline == Words("da").ended["error"].headline


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", get_args(FaultReason))
def test_every_fault_is_told_before_anyone_tries_with_the_clinics_number(
    fault: FaultReason, language: Language
) -> None:
    view = shown("fault", language=language, fault=fault)
    assert view.tone == "trouble"
    assert view.bar == "phone"
    assert PHONE in view.bar_text
    assert fault in view.staff


def test_why_enrolment_failed_is_told_to_the_staff() -> None:
    agent = replace(agent_view(), enrolment_error="code_used")
    assert screen_view(call_view("fault", fault="not_enrolled"), agent, FRESH).staff == "Til personalet: code_used"


def test_offline_is_told_with_the_number() -> None:
    view = shown("offline")
    assert view.headline == "Knappen kan ikke ringe lige nu"
    assert view.bar_text == f"Ring til Lægerne ved Havnen på {PHONE}"


@pytest.mark.parametrize("ago", [0.0, 3.0, AWAY_LONG_S - 0.1])
def test_a_line_that_is_back_in_some_seconds_frightens_nobody(ago: float) -> None:
    view = shown("offline", since=NOW - ago)
    assert (view.headline, view.sub, view.tone) == ("Vent et øjeblik", "Knappen er klar om lidt.", "calm")
    pressed = shown("offline", replace(FRESH, refused_ago=0.0), since=NOW - ago)
    assert pressed.notice == "Tak for dit tryk. Knappen er klar om lidt."


@pytest.mark.parametrize("since", [NOW - AWAY_LONG_S, NOW - 3600, NOW + 3600])
def test_a_line_that_stays_away_is_told_and_so_is_one_by_a_clock_that_was_set_back(since: float) -> None:
    assert shown("offline", since=since).headline == "Knappen kan ikke ringe lige nu"


def test_a_station_that_is_looked_for_says_that_it_works_only_where_it_does() -> None:
    assert shown("idle", identifying=True).sub == "Det er den her. Knappen virker, som den plejer."
    for state, changes in (("offline", {}), ("fault", {"fault": "locked"})):
        broken = shown(state, identifying=True, **changes)  # type: ignore[arg-type]
        assert (broken.headline, broken.sub) == ("Stue 12", "Det er den her.")
        assert broken.notice == shown(state, **changes).headline  # type: ignore[arg-type]
        assert PHONE in broken.bar_text


@pytest.mark.parametrize("written", ["70123456", "+4570123456", "+45 7012 3456", "004570123456"])
def test_a_danish_number_is_shown_in_pairs_however_it_was_written(written: str) -> None:
    view = screen_view(call_view("offline"), agent_view(phone=written), FRESH)
    assert view.bar_text.endswith(PHONE)


def test_without_a_number_the_staff_is_who_to_turn_to() -> None:
    view = screen_view(call_view("offline"), agent_view(phone=""), FRESH)
    assert view.bar == "staff"
    assert view.bar_text == "Sig det til en medarbejder, hvis du har brug for hjælp"


def test_a_number_of_another_country_stands_as_it_was_written_and_never_breaks() -> None:
    view = screen_view(call_view("offline"), agent_view(phone="+46 8 123 45"), FRESH)
    assert view.bar_text.endswith(NBSP.join(("+46", "8", "123", "45")))


@pytest.mark.parametrize("state", STATES)
def test_a_press_that_could_do_nothing_is_reacted_to_in_every_state(state: CallState) -> None:
    assert shown(state, replace(FRESH, refused_ago=0.0)).refused
    assert not shown(state, replace(FRESH, refused_ago=5.0)).refused


def test_a_refused_press_offline_gets_an_answer_in_words() -> None:
    assert shown("offline", Noticed(NOW, refused_ago=0.0)).notice == "Tak for dit tryk. Vi kan ikke ringe lige nu."


@pytest.mark.parametrize("state", ["ending", "feedback"])
def test_a_press_while_a_call_ends_is_answered_too(state: CallState) -> None:
    view = shown(state, replace(FRESH, refused_ago=0.0), reason="clinician_left")
    assert view.notice == "Tak for dit tryk. Knappen er klar om lidt."


@pytest.mark.parametrize("state", STATES)
def test_a_refused_press_always_changes_what_can_be_seen(state: CallState) -> None:
    before, after = shown(state), shown(state, replace(FRESH, refused_ago=0.0))
    assert after.bar != "none" or after.notice != before.notice  # the bar swaps its colours


def test_while_station_call_is_started_again_it_asks_for_a_moment() -> None:
    view = screen_view(None, agent_view(), Noticed(NOW, away_for=1.0))
    assert (view.headline, view.sub) == ("Vent et øjeblik", "Knappen er klar om lidt.")
    assert view.tone == "calm"


def test_if_station_call_stays_away_it_gives_the_number() -> None:
    view = screen_view(None, agent_view(), Noticed(NOW, away_for=AWAY_LONG_S))
    assert PHONE in view.bar_text
    assert view.headline == "Knappen virker ikke lige nu"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_scene_shows_a_placeholder_or_begins_a_sentence_small(language: Language) -> None:
    for scene in scenes(language, agent_view(language, clinic="", phone=""), peer_name="", peer_role=""):
        view = screen_view(scene.call, scene.agent, replace(FRESH, away_for=scene.away_for))
        for text in (view.headline, view.sub, view.notice, view.bar_text, view.name, view.date):
            assert "{" not in text
            assert text[:1] == text[:1].upper()


names = st.text(max_size=80)
devices = st.builds(Devices, *[st.sampled_from(get_args(DeviceState))] * 3)
calls = st.none() | st.builds(
    CallView,
    state=st.sampled_from(STATES),
    boot=st.just("b"),
    since=st.floats(0, 4e9),
    light=st.just("off"),
    devices=devices,
    outgoing=st.booleans(),
    peer_name=names,
    peer_role=names,
    connected_since=st.none() | st.floats(0, 4e9),
    resuming=st.booleans(),
    peer_camera=st.booleans(),
    peer_microphone=st.booleans(),
    reason=st.none() | st.sampled_from(get_args(EndReason)),
    fault=st.none() | st.sampled_from(get_args(FaultReason)),
)
configs = st.builds(
    Config, clinic=names, phone=st.text(max_size=24), site=names, station=names, language=st.sampled_from(LANGUAGES)
)
agents = st.none() | st.builds(
    AgentView, st.sampled_from(["up", "down"]), st.booleans(), st.just("st-k3m9q2x7"), st.just("ntp"), configs
)
ages = st.none() | st.floats(0, 1e5)
moments = st.builds(
    Noticed, now=st.floats(0, 4e9), away_for=st.floats(0, 1e5), remote_age=ages, own_age=ages, refused_ago=ages
)


@pytest.mark.parametrize("phone", ["70123456", ""])
def test_a_lost_line_is_said_calmly_and_after_a_minute_whom_to_phone(phone: str) -> None:
    def after(seconds: float) -> ScreenView:
        call = call_view("connecting", resuming=True, lost_since=NOW - seconds)
        return screen_view(call, agent_view("da", phone=phone), FRESH)

    soon = after(LOST_LONG_S - 1)
    assert (soon.headline, soon.sub) == ("Forbindelsen er væk lige nu", "Vi prøver igen. Bliv bare siddende.")
    assert (soon.bar, soon.bar_text) == ("button", "Tryk på knappen for at lægge på")
    assert soon.live == "Kamera og mikrofon er tændt", "the room may be seen as soon as the line is back"
    late = after(LOST_LONG_S)
    assert (late.headline, late.layout) == (soon.headline, "connecting")
    assert late.sub == "Vi prøver stadig. Tryk på knappen, hvis du vil lægge på."
    if phone:
        assert (late.bar, late.bar_text) == ("phone", f"Ring til Lægerne ved Havnen på {PHONE}")
    else:
        assert (late.bar, late.bar_text) == ("staff", "Sig det til en medarbejder, hvis du har brug for hjælp")


def test_a_message_stands_large_over_the_day_and_the_button_is_what_it_was() -> None:
    agent = replace(agent_view(), message="Vi kommer kl. 10")
    view, plain = (screen_view(call_view("idle"), one, at(14)) for one in (agent, agent_view()))
    assert (view.layout, view.headline) == ("note", "Vi kommer kl. 10")
    assert view.sub == "Lørdag den 21. november, kl. 14.05"
    assert (view.bar, view.bar_text, view.tone) == (plain.bar, plain.bar_text, plain.tone)


@pytest.mark.parametrize("state", STATES)
def test_a_message_is_never_over_a_call_and_hides_no_trouble(state: CallState) -> None:
    agent = replace(agent_view(), message="Vi kommer kl. 10")
    view, plain = (screen_view(call_view(state), one, FRESH) for one in (agent, agent_view()))
    if state in ("offline", "fault"):
        assert replace(view, notice=plain.notice) == plain
        assert view.notice == "Vi kommer kl. 10"
    elif state != "idle":
        assert view == plain


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", ["idle", "offline", "fault"])
def test_who_looks_for_a_station_reads_its_name_and_a_resident_whom_the_button_calls(
    state: CallState, language: Language
) -> None:
    call, agent = call_view(state, identifying=True), agent_view(language)
    view, plain = (screen_view(one, agent, FRESH) for one in (call, call_view(state)))
    assert (view.layout, view.headline) == ("note", "Stue 12")
    assert (view.bar, view.bar_text) == (plain.bar, plain.bar_text)
    nameless = screen_view(call, agent_view(language, station=""), FRESH)
    assert nameless.headline.lower() == agent.station


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_station_out_of_use_says_so_plainly_with_whom_to_phone_and_what_in_an_emergency(language: Language) -> None:
    view = shown("fault", language=language, fault="locked")
    assert view.headline == Words(language).faults["locked"].headline
    assert "112" in view.sub
    assert (view.bar, PHONE in view.bar_text) == ("phone", True)
    pressed = shown("fault", Noticed(NOW, refused_ago=1.0), language, fault="locked")
    assert (pressed.notice, pressed.bar_text) == (Words(language).screen.refused, view.bar_text)


@given(calls, agents, moments)
def test_whatever_is_said_the_screen_has_something_to_show_and_never_a_dead_picture(
    call: CallView | None, agent: AgentView | None, noticed: Noticed
) -> None:
    view = screen_view(call, agent, noticed)
    assert view.layout in get_args(Layout)
    assert view.tone in PALETTES
    assert view.headline or view.clock or view.name
    assert not view.remote or (call is not None and call.state == "in_call" and noticed.remote_age is not None)
    if view.remote and noticed.remote_age is not None and noticed.remote_age > FROZEN_AFTER_S:
        assert view.dimmed
        assert view.notice


def test_a_name_with_braces_is_shown_as_it_is() -> None:
    assert shown("ringing", peer_name="{clinic} {0}").headline == "{clinic} {0} ringer"


def test_long_names_are_not_cut_by_the_view() -> None:
    assert LONG in screen_view(call_view("calling"), agent_view(clinic=LONG), FRESH).headline
