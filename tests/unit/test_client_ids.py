"""A client id is the station's own, and nobody can work it out who does not know its public key."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.client_ids import client_id
from provisioning.station.claimstore import thumbprint
from provisioning.station.documents import load_key, new_key
from provisioning.station.keystore import Keystore

STATION = "st-k3m9q2x7"


def _station(folder: Path) -> Keystore:
    folder.mkdir()
    (folder / "key.pem").write_bytes(new_key())
    return Keystore(folder)


def test_station_and_region_find_the_same_one_by_the_key_and_another_key_has_another(tmp_path: Path) -> None:
    one, other = _station(tmp_path / "one"), _station(tmp_path / "other")
    public = one.registered_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = {kept.client_id(STATION, process) for kept in (one, other) for process in ("agent", "call", "trial")}
    assert len(found) == 6
    assert one.client_id(STATION, "call") == client_id(STATION, "call", public)
    assert one.client_id(STATION, "call").startswith(f"{STATION}-call-")


def test_what_the_screen_shows_of_a_key_does_not_give_it_away(tmp_path: Path) -> None:
    kept = _station(tmp_path / "one")
    shown = thumbprint(load_key(kept.key))
    secret = kept.client_id(STATION, "call").rpartition("-")[2]
    assert len(secret) == 32, "128 bits"
    assert secret not in shown
