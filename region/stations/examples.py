"""What the API's document shows of clinics, sites, stations, claims and commands: one of each type."""

from __future__ import annotations

from messaging.call import Devices
from messaging.claim import RegionFile, write_region_file
from messaging.diagnostics import Bundle, Line
from messaging.diagnostics import Ordered as Told
from messaging.enrolment import CodeFile, write_code_file
from messaging.health import Health
from messaging.twin import Config
from region.registry.records import AuditRow, Claim, Clinic, Command, HandedIn, Site
from region.stations.api import (
    ClinicChange,
    CodeFileText,
    NewClinic,
    NewSite,
    NewStation,
    Reason,
    StationChange,
)
from region.stations.card_api import MadeCard, MadeCards, NewCards, RegionFileText
from region.stations.claim_api import Approval, Decision, WaitingClaim
from region.stations.claims import check_of
from region.stations.command_api import CalledBack, NewCommand
from region.stations.commanding import Handed
from region.stations.removal_api import Removal, Removed
from region.stations.settings_api import ChangedSettings, NewSettings
from region.stations.standing import CertificateTold, EnrolmentTold
from region.web.examples import A_BATCH, A_COMMAND, A_KEY, A_MOMENT, A_STATION, STATION

COMMAND = Command(
    A_COMMAND, A_BATCH, A_STATION, "Stue 4", "Solgården", "identify", {"seconds": 30}, "ivan", "which one is it?",
    A_MOMENT, A_MOMENT, A_MOMENT + 3600, "init", False, "", {}, None, None, None, None,
)  # fmt: skip
CLAIM = Claim(
    A_KEY, "ab" * 32, "6f" * 16, "10000000abcd1234", "192.0.2.17", "192.0.2.17", "waiting", None, A_MOMENT, A_MOMENT,
    None, "",
)  # fmt: skip
_CHECK = check_of(CLAIM)
_CODE_FILE = CodeFile("https://region.example:8402", A_KEY, "0123456789ABCDEF", A_STATION, "region.example:8403")

_CHANGED = {
    "level": "station", "name": A_STATION, "version": 3, "stations": 1,
    "changes": [{"field": "volume", "before": None, "after": 60}],
}  # fmt: skip

BUNDLE = Bundle(
    A_STATION,
    A_MOMENT,
    "ntp",
    "7f3c",
    Health(86_400.0, "ntp", Devices(), {"call": "running"}, {"laegeknap": "0.4"}),
    {"ready": 1.0},
    12,
    Config(),
    commands=(Told(A_COMMAND, "diagnostics", "executing", ""),),
    lines=(Line(A_MOMENT, "laegeknap-agent", 4, "the certificate is not renewed yet"),),
)  # fmt: skip

EXAMPLES: tuple[object, ...] = (
    Clinic(1, "Bakkens Klinik", "+45 12 34 56 78", A_MOMENT),
    NewClinic(name="Dalens Klinik", phone="+45 12 34 56 78"),
    Site(3, "Solgården", A_MOMENT, 2, "Bakkeby"),
    ClinicChange(phone="+45 87 65 43 21"),
    NewSite(name="Månelyst"),
    STATION,
    NewStation(name="Stue 5", site_id=3),
    StationChange(name="Stue 4b", volume=60),
    EnrolmentTold(A_STATION, "enrolled", None, (CertificateTold("5c1f09a2", A_MOMENT, A_MOMENT + 45 * 86_400, None),)),
    CodeFileText(station=A_STATION, toml=write_code_file(_CODE_FILE)),
    Reason(why="stolen"),
    Removal(where=["state=revoked"]),
    Removed((A_STATION,)),
    AuditRow(812, A_MOMENT, "command line (anna)", "layer.change", A_STATION, None, "done", _CHANGED),
    WaitingClaim(key=A_KEY, check=_CHECK, serial=CLAIM.serial, address=CLAIM.address, since=CLAIM.made_at, known=None),
    Decision(check=_CHECK),
    Approval(check=_CHECK, site_id=3, room="Stue 6"),
    NewCards(site="Solgården", clinic="Bakkens Klinik", rooms=["Stue 7"]),
    MadeCard(number=1, station=A_STATION, room="Stue 4", toml=write_code_file(_CODE_FILE)),
    MadeCards(
        site="Solgården",
        expires=A_MOMENT,
        cards=[
            MadeCard(number=1, station=A_STATION, room="Stue 4", toml=write_code_file(_CODE_FILE)),
        ],
    ),
    NewSettings(values={"volume": 60, "night.on": True}, stations=[A_STATION]),
    ChangedSettings(stations={A_STATION: ["night.on", "volume"]}),
    RegionFileText(toml=write_region_file(RegionFile("https://region.example:8402", A_KEY, "region.example:8403"))),
    COMMAND,
    NewCommand(type="identify", fields={"seconds": 30}, stations=[A_STATION], why="which one is it?"),
    Handed(A_BATCH, (COMMAND,), {"st-p3c8d1fa": "quarantined"}),
    HandedIn(A_COMMAND, A_STATION, A_MOMENT, 18_211),
    BUNDLE,
    CalledBack(called_back=[COMMAND], too_late=[]),
)
