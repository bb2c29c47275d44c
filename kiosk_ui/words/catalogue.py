"""The shape of one language: every text a station can show. A language is complete or it is not a `Catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from messaging.call import DeviceState, EndReason
from messaging.envelope import ClockTrust
from messaging.health import ProcessState
from messaging.local import CallState, FaultReason, LightPattern

DeviceName = Literal["camera", "microphone", "speaker"]


@dataclass(frozen=True)
class Said:
    """What is said about one thing: the headline, and below it what to do next."""

    headline: str
    sub: str


@dataclass(frozen=True)
class Calendar:
    """Dates and times. `date` takes {weekday}, {day}, {month}; `time` takes {hour}, {minute}; `months` from January.

    `moment` takes {day}, which is `today`, `tomorrow`, a weekday or a date, and {time}.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    date: str
    time: str
    today: str
    tomorrow: str
    moment: str


@dataclass(frozen=True)
class ScreenTexts:
    """The resident's screen. {clinic} and {name} are always filled; `the_clinic` and `the_caller` stand in for none."""

    the_clinic: str
    the_caller: str
    greeting: str  # in place of the clock while the time is not to be trusted
    idle: str
    calling: str
    calling_sub: str
    calling_long: str  # after a minute
    calling_hint: str
    calling_other: str  # {clinic}, which does not answer: another is called
    calling_closed: str  # {clinic}, which is closed: another is called
    ringing: str
    ringing_sub: str
    ringing_hint: str
    countdown: str  # {seconds}: until it is answered by itself
    countdown_over: str
    countdown_hint: str
    connecting: str
    connecting_sub: str
    connecting_hint: str
    resuming: str
    resuming_sub: str
    resuming_long: str  # after a minute
    in_call_hint: str
    peer_camera_off: str
    peer_muted: str
    frozen: str
    waiting_for_picture: str
    live_both: str
    live_camera: str
    live_microphone: str
    no_camera: str  # before a call
    no_microphone: str
    no_speaker: str
    in_call_no_camera: str
    in_call_no_microphone: str
    in_call_no_speaker: str
    lens_covered: str
    looking_closer: str  # the clinician looks at a part of the picture
    looking_examination: str  # by the second camera
    looking_still: str  # a still is taken, now
    ending: Said
    said_no: Said  # the clinic called, and a press in the countdown said no
    missed: Said  # the clinic called, and gave up or was not answered
    offline: Said
    away: Said  # station-call is being started again
    away_long: Said  # and has not come back
    phone: str  # {clinic}, {phone}
    phone_instead: str  # {phone}: another than the clinic's
    no_phone: str
    open_again: str  # {clinic}, {when}
    refused: str  # a press just now could not do anything
    refused_wait: str  # nor now, but in a moment
    staff_code: str  # {code}
    identify: str  # below the station's name, while somebody looks for it
    identify_well: str  # likewise, and the button works
    claim: Said  # IT is to approve the station, by the digits and the QR code beside


@dataclass(frozen=True)
class ConsoleTexts:
    """The technician's console."""

    title: str
    station: str
    clinic: str
    site: str
    link: str
    link_up: str
    link_down: str
    enrolled: str
    not_enrolled: str
    clock: str
    config: str
    versions: str
    hardware: str
    process_call: str
    process_agent: str
    process_away: str
    call: str
    light: str
    devices: str
    volume: str
    last_report: str
    never: str
    picture: str
    picture_off: str
    microphone_level: str
    speaker_level: str
    log: str
    press: str
    pressed: str
    press_not_sent: str
    refused: str  # {code}
    quit: str
    would_work: str
    would_work_but: str  # {why}
    would_not_work: str  # {why}
    busy: str


@dataclass(frozen=True)
class SpokenTexts:
    """What the station says aloud."""

    identify: str  # {station}


@dataclass(frozen=True)
class PanelTexts:
    """The simulated station's front in a browser."""

    title: str
    lead: str
    press: str
    screen: str
    no_screen: str
    light: str
    speaker: str
    listen: str
    plugged: str  # heading of the switches
    away: str
    other_hardware: str
    link_used: str
    no_link: str


@dataclass(frozen=True)
class Catalogue:
    """One language."""

    calendar: Calendar
    screen: ScreenTexts
    spoken: SpokenTexts
    console: ConsoleTexts
    panel: PanelTexts
    ended: Mapping[EndReason, Said]  # {name} is the other side
    faults: Mapping[FaultReason, Said]
    states: Mapping[CallState, str]
    lights: Mapping[LightPattern, str]
    devices: Mapping[DeviceName, str]
    device_states: Mapping[DeviceState, str]
    processes: Mapping[ProcessState, str]
    clocks: Mapping[ClockTrust, str]
