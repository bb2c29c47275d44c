"""What the screen shows: a pure function of what the two processes said and what the screen itself has noticed.

One message at a time: the page of the call's state, and over it which station this is, or a message of the region. What
holds on every page is laid upon it here: the sign that something is open, the colours, the brightness.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.screen.brightness import brightness
from kiosk_ui.screen.pages import page
from kiosk_ui.screen.shown import Noticed, ScreenView, Tone
from kiosk_ui.screen.situation import Situation
from messaging.call import Devices
from messaging.local import AT_HOME, ON_AIR, AgentView, CallView
from messaging.settings import Night

OWN_LIVE_S = 1.0  # own pictures this fresh mean an open camera, whatever was said
_NIGHT = Night(on=True, begins="21:00", ends="07:00")  # dark colours, where no night hours are set
_RESTING = frozenset({"idle", "fault", "offline", "claim", "note"})
_DARK_AT_NIGHT = frozenset({"idle", "fault", "offline", "note"})
_NOTHING = Devices(camera="missing", microphone="missing", speaker="missing")


def screen_view(call: CallView | None, agent: AgentView | None, noticed: Noticed) -> ScreenView:
    """The whole screen, from the newest views (None: never heard, or gone)."""
    here = Situation(call, agent, noticed)
    view = _noted(here, page(here))
    if here.refused and view.bar == "none":
        view = replace(view, notice=here.texts.refused_wait)
    own_fresh = noticed.own_age is not None and noticed.own_age < OWN_LIVE_S
    live = _live(here, own_fresh)
    return replace(
        view,
        tone=_tone(here, view),
        live=live,
        own=own_fresh and bool(live) and call is not None,
        station=here.place,
        brightness=_brightness(here, view),
        refused=here.refused,
        headline=_capital(view.headline),
        sub=_capital(view.sub),
        notice=_capital(view.notice),
        bar_text=_capital(view.bar_text),
        date=_capital(view.date),
        name=_capital(view.name),
    )


def _noted(here: Situation, shown: ScreenView) -> ScreenView:
    """The page while nobody is in a call: with which station this is, or a message from the region, on it."""
    call, agent = here.call, here.agent
    if call is None or agent is None or call.state not in AT_HOME or shown.layout == "claim":
        return shown
    if call.identifying:
        return _found(here, shown, here.config.station or agent.station)
    if agent.message and call.state == "idle":
        return _note(shown, agent.message, ", ".join(filter(None, (shown.date, shown.clock))))
    return replace(shown, notice=shown.notice or agent.message)


def _found(here: Situation, shown: ScreenView, name: str) -> ScreenView:
    """Which one this is; and what is wrong with it, where something is."""
    if shown.layout == "idle":
        return _note(shown, name, here.texts.identify_well)
    return replace(_note(shown, name, here.texts.identify), notice=shown.notice or shown.headline)


def _note(shown: ScreenView, headline: str, sub: str) -> ScreenView:
    """What the button does, or whom to phone, still stands at the bottom."""
    return replace(shown, layout="note", headline=headline, sub=sub, clock="", date="", staff="")


def _brightness(here: Situation, view: ScreenView) -> int:
    at = here.when.time() if here.time_known else None
    asked = here.refused or (here.call is not None and here.call.identifying)
    resting = view.layout in _RESTING
    well = view.layout == "idle" and not here.lack
    return brightness(here.config.screen, here.config.night, at, resting=resting and not asked, well=well)


def _tone(here: Situation, view: ScreenView) -> Tone:
    """What comes by itself at night, good or bad, comes in the night's colours: somebody sleeps here."""
    hours = here.config.night if here.config.night.on else _NIGHT
    dark = here.time_known and hours.covers(here.when.time()) and view.layout in _DARK_AT_NIGHT
    return "night" if dark and (view.bar == "button" or not here.refused) else view.tone


def _live(here: Situation, own_fresh: bool) -> str:
    """The truth about what is open: as the light has it, or because own pictures come though they should not."""
    call = here.call
    devices = call.devices if call is not None and call.light in ON_AIR else _NOTHING
    camera = devices.camera == "ok" or own_fresh
    if camera and devices.microphone == "ok":
        return here.texts.live_both
    if camera:
        return here.texts.live_camera
    return here.texts.live_microphone if devices.microphone == "ok" else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
