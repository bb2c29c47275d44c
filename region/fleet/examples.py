"""What the API's document shows of the fleet: a station that works, and how it stands."""

from __future__ import annotations

from messaging.call import Devices
from messaging.codec import encode
from messaging.health import Health
from region.daytime import local_time
from region.fleet.home import at_home
from region.fleet.standing import standing
from region.fleet.whole import StationStanding
from region.registry.records import ProcessPresence, Report
from region.web.examples import A_MOMENT, STATION

_VERSIONS = {"laegeknap": "0.1.0"}
_HEALTH = Health(86_000.0, "ntp", Devices(), {"agent": "running", "call": "running"}, _VERSIONS)
_STANDING = standing(
    STATION,
    [
        ProcessPresence(STATION.id, "agent", "online", "b7f3", 4, None, _VERSIONS, A_MOMENT - 3600),
        ProcessPresence(STATION.id, "call", "online", "b7f3", 4, None, _VERSIONS, A_MOMENT - 3600),
    ],
    [Report(STATION.id, "m/health", encode(_HEALTH), "b7f3", 61, A_MOMENT - 20)],
    A_MOMENT,
)
STATION_STANDING = StationStanding(STATION, _STANDING)
AT_HOME = at_home(STATION, _STANDING, local_time(A_MOMENT), heard=True)
