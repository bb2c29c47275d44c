"""What the API's document shows of places, profiles and tables: one of each type."""

from __future__ import annotations

from region.registry.records import Cluster, Municipality, Room
from region.stations.importing import Taken
from region.stations.layout_api import (
    MovedMunicipality,
    MovedSite,
    MovedStation,
    NewCluster,
    NewMunicipality,
    Profile,
    ProfileChange,
    ProfileCopied,
    ProfileCopy,
    ProfileDifference,
    ProfileSaid,
    Stations,
    WholeProfile,
)
from region.stations.place_api import NewName
from region.web.examples import A_MOMENT, A_STATION, STATION

LAYOUT_EXAMPLES: tuple[object, ...] = (
    Cluster(1, "Midtbyerne", A_MOMENT),
    NewCluster(name="Kystbyerne"),
    Municipality(2, "Bakkeby", 1, "Midtbyerne", A_MOMENT),
    NewMunicipality(name="Dalby", cluster="Midtbyerne"),
    MovedMunicipality(name="Bakkeby", cluster="Midtbyerne"),
    NewName(name="Solgården Syd"),
    Room(9, 3, STATION.site, "Stue 4", A_MOMENT),
    MovedSite(name=STATION.site, municipality="Bakkeby"),
    MovedStation(room="Stue 8"),
    Profile(
        "site", STATION.site, 4, {"night": {"on": True}}, {"clinic": STATION.clinic, "night": {"on": True}},
        {"clinic": "municipality", "night.on": "site"},
    ),
    WholeProfile(place="", document={"language": "da"}),
    ProfileChange(place="", set={"night.on": True}, unset=["volume"]),
    ProfileCopy(source=STATION.site, target="Bakkegården", but=["network"], dry_run=True),
    Stations((A_STATION,)),
    ProfileSaid(5, (A_STATION,)),
    ProfileCopied((ProfileDifference("night.on", None, True),), (A_STATION,)),
    Taken("rooms", added=3, changed=1, same=12),
)  # fmt: skip
