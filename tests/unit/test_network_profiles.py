"""A network as configured, as the profiles that NetworkManager is to have, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.network.factory import make_network
from device.network.manager import NetworkManager
from device.network.profiles import Own, profiles
from device.network.simulated import SHOWN, SimulatedNetwork
from device.runtime.dbus import Bus, system_bus
from device.runtime.dbus_wire import Call, Variant, to_bytes
from device.runtime.errors import BusAway, BusRefused
from messaging.settings import Eap, Network, Proxy, Static, Wifi, Wired

OWN = Own(Path("/state/certificate.pem"), Path("/state/key.pem"), Path("/state/network"))
CA = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
PSK, PASSWORD = "a passphrase", "hunter2hunter2"
EAP = Eap("peap", "st-1", "", PASSWORD, CA, "radius.example")

STATIC = st.sampled_from([
    Static(), Static("10.0.0.5/24"), Static("10.0.0.5/24", "10.0.0.1", ("10.0.0.1", "2001:db8::1")),
    Static("2001:db8::5/64", "2001:db8::1"), Static(dns=("192.0.2.1",)),
])  # fmt: skip
EAPS = st.sampled_from([EAP, replace(EAP, method="ttls", anonymous="a"), replace(EAP, method="tls", password="")])
WIFI = st.one_of(
    st.builds(Wifi, psk=st.just(PSK), hidden=st.booleans(), priority=st.integers(0, 100), ip=STATIC),
    st.builds(Wifi, eap=EAPS, priority=st.integers(0, 100), ip=STATIC),
    st.just(Wifi(use=False)),
)
SSIDS = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=8)
NETWORKS = st.builds(
    Network, wifi=st.dictionaries(SSIDS, WIFI, max_size=4),
    wired=st.builds(Wired, eap=st.just(Eap()) | EAPS, ip=STATIC),
)  # fmt: skip


@given(NETWORKS)
def test_every_network_that_a_config_can_say_is_profiles_that_can_be_sent(network: Network) -> None:
    found = profiles(network, OWN)
    assert len({one.uuid for one in found}) == len(found) == 1 + sum(one.use for one in network.wifi.values())
    for one in found:
        to_bytes(Call("a.b", "/a", "a.b", "C", "a{sa{sv}}", (one.settings,)), 1)
        assert one.settings["connection"]["autoconnect-retries"] == Variant("i", 0)
        security = one.settings.get("802-11-wireless-security")
        assert (security is not None) == (one.kind == "802-11-wireless"), "no Wi-Fi is open"
        eap = one.settings.get("802-1x")
        if eap is not None:
            assert {"ca-cert", "domain-suffix-match"} <= set(eap), "no password for a server that is not known"


@given(NETWORKS)
def test_no_secret_is_in_what_a_log_would_show(network: Network) -> None:
    text = repr(profiles(network, OWN)) + repr(network)
    assert PSK not in text
    assert PASSWORD not in text


@given(NETWORKS, NETWORKS)
def test_a_digest_is_another_exactly_when_the_profile_is(one: Network, other: Network) -> None:
    for first in profiles(one, OWN):
        for second in profiles(other, OWN):
            same = (first.settings, first.ca) == (second.settings, second.ca)
            assert (first.digest == second.digest) == same


def test_our_wi_fis_come_before_an_image_s_and_a_plain_socket_after() -> None:
    rank = {one.id: one.settings["connection"]["autoconnect-priority"].value
            for one in profiles(Network(wifi={"a": Wifi(psk=PSK, priority=100), "b": Wifi(psk=PSK)}), OWN)}  # fmt: skip
    assert rank == {"laegeknap-wired": -500, "laegeknap-wifi-a": 200, "laegeknap-wifi-b": 100}
    (wired,) = profiles(Network(wired=Wired(ip=Static("10.0.0.5/24"))), OWN)
    assert wired.settings["connection"]["autoconnect-priority"].value == 500


# --- what NetworkManager answers when it does not do it ---


class Refusing(Bus):
    """A bus on which nothing is allowed."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def call(self, call: Call) -> tuple[Any, ...]:
        if call.member == "ListConnections":
            return ([],)
        if call.member == "GetDevices":
            return ([],)
        if self.error is not None:
            raise self.error
        return ("/a/path", {})


def _manager(folder: Path, error: Exception | None) -> NetworkManager:
    @asynccontextmanager
    async def bus() -> AsyncIterator[Bus]:
        yield Refusing(error)

    return NetworkManager(Own(folder / "c", folder / "k", folder / "network"), folder, bus)


SETTINGS = "org.freedesktop.NetworkManager.Settings"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            BusRefused(f"{SETTINGS}.PermissionDenied", "Insufficient privileges"),
            "NetworkManager refuses it: PermissionDenied",
        ),
        (
            BusRefused(f"{SETTINGS}.Connection.InvalidProperty", f"802-11-wireless-security.psk: '{PSK}' is invalid"),
            "NetworkManager refuses it: 802-11-wireless-security.psk",
        ),
        (BusRefused(f"{SETTINGS}.Failed", f"what is {PSK}?"), "NetworkManager refuses it: Failed"),
        (BusAway("there is no system bus"), "NetworkManager is not there"),
    ],
)
async def test_why_not_is_told_without_a_value(
    tmp_path: Path, error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await _manager(tmp_path, error).carry_out(Network(wifi={"home": Wifi(psk=PSK)})) == said
    assert PSK not in caplog.text
    assert not (tmp_path / "network" / "done.json").exists(), "it is tried again"


@pytest.mark.parametrize(
    ("country", "wifi", "told"),
    [("DK", True, False), ("00", True, True), ("SE", True, True), ("SE", False, False), (None, True, False)],
)
async def test_a_radio_that_is_set_for_another_country_is_told(
    tmp_path: Path, country: str | None, wifi: bool, told: bool
) -> None:
    place = tmp_path / "sys/module/cfg80211/parameters/ieee80211_regdom"
    if country is not None:
        place.parent.mkdir(parents=True)
        place.write_text(f"{country}\n")
    wanted = Network(country="DK", wifi={"home": Wifi(use=wifi, psk=PSK)})
    said = await _manager(tmp_path, None).carry_out(wanted)
    assert said.startswith("the country DK: ") == told
    assert told or said == ""
    assert (tmp_path / "network" / "done.json").exists(), "all the rest is done"


async def test_a_real_station_s_is_networkmanager_s_and_without_a_bus_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make_network("rpi", tmp_path, tmp_path, tmp_path, tmp_path / "c", tmp_path / "k")
    assert isinstance(network, NetworkManager)
    monkeypatch.setattr(network, "_bus", partial(system_bus, tmp_path / "no-bus"))
    assert await network.carry_out(Network()) == "NetworkManager is not there"


async def test_a_simulated_station_shows_what_it_would_be_without_a_secret(tmp_path: Path) -> None:
    network = make_network("sim", tmp_path, tmp_path, tmp_path, tmp_path / "c", tmp_path / "k")
    assert isinstance(network, SimulatedNetwork)
    wanted = Network(wifi={"Stue": Wifi(psk=PSK)}, proxy=Proxy("http://proxy.example:3128", "st", PASSWORD))
    assert await network.carry_out(wanted) == ""
    text = (tmp_path / SHOWN).read_text("utf-8")
    assert PSK not in text
    assert PASSWORD not in text
    assert json.loads(text)["wifi"]["Stue"]["psk"] == "(set)"
    assert (await SimulatedNetwork(tmp_path / "nowhere").carry_out(wanted)).startswith("cannot be shown")
