"""Would a call work now? Decided from the two processes' views, without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.local import AgentView, CallView

_FAULTS = {
    "not_enrolled": "the station is not enrolled",
    "locked": "the region has put this station out of use",
    "no_clinic": "no clinic has been set for this station",
    "no_devices": "there is neither camera nor microphone",
    "internal": "station-call has had an internal fault",
}
_ENROLMENT = {
    "": "not enrolled yet: enrolment is being tried",
    "no_code_file": "not enrolled: there is no code file",
    "unclaimed": "not enrolled: somebody of the region's IT has to approve it",
    "claim_refused": "not enrolled: the region's IT has refused this station; it asks again by itself",
    "region_file_malformed": "not enrolled: the region file cannot be used",
    "code_file_malformed": "not enrolled: the code file cannot be used; print a new one",
    "region_unreachable": "not enrolled: the region cannot be reached",
    "region_not_trusted": "not enrolled: whoever answers is not the region of the code file",
    "clock_not_set": "not enrolled: this station's clock is behind",
    "wrong_code": "not enrolled: the region does not know the code; print a new one",
    "code_expired": "not enrolled: the code has expired; print a new one",
    "code_used": "not enrolled: the code has been used by another station; print a new one",
    "station_barred": "not enrolled: the region has taken this station out of use",
    "too_many_tries": "not enrolled: the region asks to wait; it is tried again by itself",
    "bad_answer": "not enrolled: the region's answer cannot be used",
    "state_unusable": "not enrolled: the state directory cannot be used",
}


_CERTIFICATE = {  # once it has expired
    "certificate_expired": "has expired; it is renewed as soon as the region can be reached",
    "renewal_too_late": "expired too long ago; enrol the station again with a new code file",
    "unknown_key": "has expired, and the region does not know its key; enrol the station again with a new code file",
    "station_barred": "has expired, and the region has taken this station out of use",
    "foreign_certificate": "has expired, and the region does not take its key; enrol again with a new code file",
}


@dataclass(frozen=True)
class Row:
    """One line of the table: `hinders` when a call cannot be made because of it."""

    name: str
    text: str
    hinders: bool = False
    warns: bool = False


def rows(agent: AgentView | None, call: CallView | None) -> list[Row]:
    """The table. A view is None when its process does not answer."""
    return [*_agent_rows(agent), *_call_rows(call)]


def _agent_rows(agent: AgentView | None) -> list[Row]:
    if agent is None:
        return [Row("station-agent", "does not run", hinders=True)]
    found = [Row("station-agent", "runs")]
    if not agent.enrolled:
        text = _ENROLMENT.get(agent.enrolment_error, f"not enrolled: {agent.enrolment_error}")
        if agent.claim is not None:
            text += f"; check code {agent.claim.check}, at {agent.claim.link}"
        return [*found, Row("enrolment", text, hinders=True)]
    found.append(Row("enrolment", f"enrolled as {agent.station}"))
    if agent.enrolment_error in _CERTIFICATE:
        found.append(Row("certificate", _CERTIFICATE[agent.enrolment_error], hinders=True))
    elif agent.enrolment_error:
        text = _ENROLMENT.get(agent.enrolment_error, agent.enrolment_error).removeprefix("not enrolled: ")
        found.append(Row("new code file", f"cannot be used: {text}", warns=True))
    clinic = agent.config.clinic
    found += [
        Row("region", "connected" if agent.link == "up" else "no connection", hinders=agent.link == "down"),
        Row("clinic", clinic or "none has been set", hinders=not clinic),
        Row("config", f"version {agent.config_version}"),
        Row(
            "clock",
            {"ntp": "right", "floor": "not yet checked", "unset": "wrong"}[agent.clock],
            warns=agent.clock == "unset",
        ),
    ]
    screen = agent.processes.get("screen", "stopped")
    found.append(Row("screen", screen, warns=screen != "running"))
    return found


def _call_rows(call: CallView | None) -> list[Row]:
    if call is None:
        return [Row("station-call", "does not run", hinders=True)]
    if call.state == "fault":
        text = _FAULTS.get(call.fault or "", "fault")
        state = Row("station-call", text, hinders=True)
    elif call.state == "offline":
        state = Row("station-call", "no connection to the region", hinders=True)
    else:
        state = Row("station-call", "ready" if call.state == "idle" else call.state.replace("_", " "))
    devices = call.devices
    blind = devices.camera != "ok" and devices.microphone != "ok"
    found = [
        Row(name, getattr(devices, name), warns=getattr(devices, name) != "ok")
        for name in ("camera", "microphone", "speaker")
    ]
    return [state, *found, *([Row("devices", _FAULTS["no_devices"], hinders=True)] if blind else [])]
