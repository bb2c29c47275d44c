"""What all examples of the API's document are about, so that they fit together: one station, where it stands."""

from __future__ import annotations

from region.registry.records import Station

A_STATION, A_COMMAND, A_BATCH = "st-k7m2qx4p", "c8v1n4w6", "b2x9r5t7"
A_KEY = "5f1d7a84db00d2ccd2d5c1a6a3f0e9e1b7bb2ff1c2a1d4a3f6c08e1b9a7d6c35"
A_TOKEN = "vs_k7m2qx4p"  # noqa: S105 - its id, which is no secret
A_MOMENT = 1_790_000_000.0  # Unix seconds
STATION = Station(
    A_STATION, "Stue 4", 3, "Solgården", 1, "Bakkens Klinik", "+45 12 34 56 78", "da", 70, 12, 12, A_MOMENT - 86_400,
    room_id=9, room="Stue 4",
)  # fmt: skip
