"""A network as configured, carried out by a real NetworkManager on a cable of its own: what it does, and who reads it.

A Wi-Fi's radio and a switch that asks for 802.1X are not here: of those, the profiles that it keeps are seen.
"""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.process.network_machine import EAP_PASSWORD, GUEST, PSK, STATION, STRANGER, TLS

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
Steps = dict[str, dict[str, Any]]
_NAMESPACE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    if os.geteuid() != 0 or not shutil.which("NetworkManager"):
        pytest.skip("a NetworkManager of its own needs root and Debian's package network-manager")
    if subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not make namespaces")
    folder = tmp_path_factory.mktemp("machine")
    command = [*_NAMESPACE, sys.executable, "-m", "tests.process.network_machine", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=150)
    log = (folder / "NetworkManager.log").read_text() if (folder / "NetworkManager.log").exists() else ""
    assert done.returncode == 0, done.stderr + log[-3000:]
    return {step["step"]: step for step in map(json.loads, done.stdout.splitlines())}


def keyfile(step: dict[str, Any], name: str) -> configparser.RawConfigParser:
    """A profile as NetworkManager has written it down."""
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes=None, inline_comment_prefixes=None)
    parser.read_string(step["files"][f"{name}.nmconnection"])
    return parser


def test_with_nothing_configured_an_image_s_own_network_stays_in_use(steps: Steps) -> None:
    step = steps["plain"]
    assert (step["said"], step["connected"]) == ("", "of-the-image")
    assert step["profiles"] | {"lo": "0"} == {"of-the-image": "0", "laegeknap-wired": "-500", "lo": "0"}


def test_a_static_address_is_what_the_machine_has_then(steps: Steps) -> None:
    step = steps["everything"]
    assert (step["said"], step["connected"]) == ("", "laegeknap-wired")
    assert "192.0.2.7/24" in step["addresses"]
    assert step["routes"].startswith("default via 192.0.2.1 dev eth7")
    assert step["profiles"]["of-the-image"] == "0", "what others have made is left alone"


def test_several_wi_fis_are_profiles_in_the_order_of_their_priority(steps: Steps) -> None:
    wifi = {name: rank for name, rank in steps["everything"]["profiles"].items() if "wifi" in name}
    assert wifi == {
        "laegeknap-wifi-Plejehjem Æ;=#": "100", f"laegeknap-wifi-{GUEST}": "105", f"laegeknap-wifi-{TLS}": "100",
    }  # fmt: skip
    home = keyfile(steps["everything"], "laegeknap-wifi-Plejehjem Æ;=#")
    assert home["wifi-security"]["key-mgmt"] == "wpa-psk"
    assert home["wifi-security"]["psk"] == PSK.replace("\\", "\\\\")
    assert keyfile(steps["everything"], f"laegeknap-wifi-{TLS}")["wifi"]["hidden"] == "true"


def test_802_1x_by_password_holds_the_server_to_its_ca_and_name(steps: Steps) -> None:
    guest = keyfile(steps["everything"], f"laegeknap-wifi-{GUEST}")
    shown = guest["802-1x"]
    assert (shown["eap"], shown["phase2-auth"], shown["password"]) == ("peap;", "mschapv2", EAP_PASSWORD)
    assert (shown["identity"], shown["anonymous-identity"]) == ("st-k3m9q2x7", "anonymous")
    assert shown["domain-suffix-match"] == "radius.example"
    assert steps["everything"]["files"][Path(shown["ca-cert"]).name].startswith("-----BEGIN CERTIFICATE-----")
    assert guest["ipv4"]["address1"] == "10.9.9.9/24,10.9.9.1"
    assert (guest["ipv4"]["dns"], guest["ipv6"]["dns"]) == ("10.9.9.2;", "2001:db8::1;")


def test_802_1x_by_certificate_shows_the_station_s_own(steps: Steps) -> None:
    shown = keyfile(steps["everything"], f"laegeknap-wifi-{TLS}")["802-1x"]
    assert (shown["eap"], Path(shown["client-cert"]).name, Path(shown["private-key"]).name) == (
        "tls;", "certificate.pem", "key.pem",
    )  # fmt: skip
    assert "password" not in shown


def test_no_file_with_a_secret_in_it_is_anybody_else_s_to_read(steps: Steps) -> None:
    assert [step["open"] for step in steps.values()] == [[]] * len(steps)


def test_what_is_so_already_is_left_alone(steps: Steps) -> None:
    assert steps["again"]["said"] == ""


def test_a_wi_fi_that_changes_keeps_its_place_and_those_that_are_gone_are_gone(steps: Steps) -> None:
    step = steps["changed"]
    assert [name for name in step["profiles"] if "wifi" in name] == [f"laegeknap-wifi-{GUEST}"]
    changed = keyfile(step, f"laegeknap-wifi-{GUEST}")
    assert changed["wifi-security"]["psk"] == "another one"
    assert "802-1x" not in changed
    assert not any(name.endswith(".pem") for name in step["files"]), "the CAs of networks that are gone"
    assert "192.0.2.7/24" in step["addresses"], "the cable was no part of it"


def test_going_back_leaves_the_network_as_it_was_found(steps: Steps) -> None:
    assert (steps["back"]["said"], steps["back"]["connected"]) == ("", "of-the-image")
    assert steps["back"]["profiles"] == steps["plain"]["profiles"]
    assert "192.0.2.7/24" not in steps["back"]["addresses"]


def test_polkit_lets_the_station_s_user_do_it_and_nobody_else(steps: Steps) -> None:
    assert steps[f"as {STRANGER}"]["said"] == "NetworkManager refuses it: PermissionDenied"
    assert steps[f"as {STRANGER}"]["profiles"] == steps["back"]["profiles"]
    assert steps[f"as {STATION}"]["said"] == ""
    assert steps[f"as {STATION}"]["profiles"]["laegeknap-wired"] == "500"


def test_polkit_lets_the_station_s_user_start_the_machine_anew_and_nothing_else_of_it(steps: Steps) -> None:
    assert steps[f"what {STATION} may"]["said"] == [
        "org.freedesktop.login1.reboot", "org.freedesktop.login1.reboot-multiple-sessions",
    ]  # fmt: skip
    assert steps[f"what {STRANGER} may"]["said"] == []


def test_what_networkmanager_refuses_is_said_by_the_property_and_without_a_value(steps: Steps) -> None:
    assert steps["refused"]["said"] == "NetworkManager refuses it: 802-11-wireless-security.psk"
