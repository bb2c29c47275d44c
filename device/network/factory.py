"""The network of this station's hardware."""

from __future__ import annotations

from pathlib import Path

from device.network.manager import NetworkManager
from device.network.port import NetworkPort
from device.network.profiles import Own
from device.network.simulated import SimulatedNetwork

FOLDER = "network"  # in the state directory


def make_network(
    hardware: str, root: Path, state_dir: Path, runtime_dir: Path, certificate: Path, key: Path
) -> NetworkPort:
    """A simulated station's stands in a file; every other one's is NetworkManager's. With 802.1X by certificate the
    station shows its own, from these files."""
    if hardware == "sim":
        return SimulatedNetwork(runtime_dir)
    return NetworkManager(Own(certificate, key, state_dir / FOLDER), root)
