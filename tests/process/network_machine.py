"""A network stack of its own with a real NetworkManager in it, and our adapter asking it: run by test_network_manager.

    unshare --net --mount --pid --fork --mount-proc --kill-child python -m tests.process.network_machine FOLDER

No virtual machine: a veth pair is the cable (`eth7` the station's end, `far` the router's), /run and NetworkManager's
directories are memory, and the bus is this namespace's. What the machine looks like after each step goes to standard
output as one line of JSON. NetworkManager takes an interface for ready without udev where /sys cannot be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.network.manager import NetworkManager
from device.network.profiles import Own
from messaging.settings import Eap, Network, Static, Wifi, Wired
from tests.kits.eventually import soon

PSK, EAP_PASSWORD = "en hemmelig kode \\ ;#", "kode til ottende etage"
SHORT = "secret"  # a passphrase that no config could have and no Wi-Fi takes
GUEST, TLS = "Gæst", "Personale"
STATIC = Network(wired=Wired(ip=Static("192.0.2.7/24", "192.0.2.1", ("192.0.2.1",))))
_WITHIN_S = 20.0
STATION, STRANGER = 4711, 4712  # users: laegeknap, and one who is nobody here
ACTIONS = {
    f"org.freedesktop.{name}"
    for name in (
        "login1.reboot", "login1.reboot-multiple-sessions", "login1.reboot-ignore-inhibit", "login1.power-off",
        "systemd1.manage-units", "systemd1.reload-daemon", "timedate1.set-time", "hostname1.set-static-hostname",
    )
}  # fmt: skip
_INSTALL = Path(__file__).parents[2] / "tools/install.py"
_RULES = "usr/share/polkit-1/rules.d"
_PROFILES = Path("/etc/NetworkManager/system-connections")
_CONFIG = """[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
auth-polkit=true
[keyfile]
unmanaged-devices=interface-name:far
"""
_IMAGE = """[connection]
id=of-the-image
uuid=11111111-2222-4333-8444-555555555555
type=ethernet
[ipv4]
method=manual
address1=192.0.2.99/24
[ipv6]
method=disabled
"""
_BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy></busconfig>"""


def networks(certificate: str) -> Network:
    """Of every kind that a config can say."""
    peap = Eap("peap", "st-k3m9q2x7", "anonymous", EAP_PASSWORD, certificate, "radius.example")
    return replace(
        STATIC,
        wifi={
            "Plejehjem Æ;=#": Wifi(psk=PSK),
            GUEST: Wifi(eap=peap, priority=5, ip=Static("10.9.9.9/24", "10.9.9.1", ("10.9.9.2", "2001:db8::1"))),
            TLS: Wifi(eap=replace(peap, method="tls", password=""), hidden=True),
            "not used": Wifi(use=False),
        },
    )


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def boot(folder: Path) -> None:
    """Cable, bus, NetworkManager."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "sysfs", "-o", "ro", "sysfs", "/sys")
    for place in ("/run", "/etc/NetworkManager", "/var/lib/NetworkManager"):
        run("mount", "-t", "tmpfs", "tmpfs", place)
    image = folder / "image"
    run(sys.executable, str(_INSTALL), "station", f"--destdir={image}")
    below = f"lowerdir={image / _RULES}:/{_RULES}"  # ours, and those of the machine
    run("mount", "-t", "overlay", "-o", below, "overlay", f"/{_RULES}")
    people = folder / "passwd"
    ours = (f"{name}:x:{user}:{user}::/:/bin/sh\n" for name, user in (("laegeknap", STATION), ("stranger", STRANGER)))
    people.write_text("".join((Path("/etc/passwd").read_text(), *ours)))
    run("mount", "--bind", str(people), "/etc/passwd")
    for place in (Path("/run/dbus"), Path("/run/NetworkManager"), _PROFILES):
        place.mkdir()
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "eth7", "type", "veth", "peer", "name", "far")
    run("ip", "addr", "add", "192.0.2.1/24", "dev", "far")
    run("ip", "link", "set", "far", "up")
    Path("/etc/NetworkManager/NetworkManager.conf").write_text(_CONFIG)
    image = _PROFILES / "of-the-image.nmconnection"
    image.write_text(_IMAGE)
    image.chmod(0o600)
    (folder / "bus.conf").write_text(_BUS)
    run("dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--fork", "--nopidfile")
    subprocess.Popen(["/usr/lib/polkit-1/polkitd", "--no-debug"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: "org.freedesktop.PolicyKit1" in run("busctl", "--system", "list", "--acquired"))
    with (folder / "NetworkManager.log").open("wb") as log:
        subprocess.Popen(["NetworkManager", "--no-daemon"], stdout=log, stderr=log)
    until(lambda: "eth7" in _devices())


def until(seen: Callable[[], Any]) -> Any:
    """What is seen, once something is; the programs asked may not be ready to answer."""

    def look() -> Any:
        with contextlib.suppress(subprocess.CalledProcessError):
            return seen()

    return soon(look, _WITHIN_S, every_s=0.1)


def _devices() -> dict[str, str]:
    rows = run("nmcli", "--terse", "--fields", "DEVICE,CONNECTION", "device").splitlines()
    return dict(row.split(":", 1) for row in rows)


def addresses() -> list[str]:
    devices = json.loads(run("ip", "-json", "-4", "addr", "show", "dev", "eth7"))
    return [f"{one['local']}/{one['prefixlen']}" for device in devices for one in device.get("addr_info", ())]


def told(step: str, said: object, folder: Path) -> None:
    """How it looks now."""
    rows = run("nmcli", "--terse", "--fields", "NAME,AUTOCONNECT-PRIORITY", "connection").splitlines()
    files = [*_PROFILES.iterdir(), *(folder / "state/network").glob("*")]
    print(json.dumps({
        "step": step, "said": said, "connected": _devices()["eth7"], "addresses": addresses(),
        "profiles": dict(row.replace("\\:", ";").rsplit(":", 1) for row in rows),
        "routes": run("ip", "-4", "route", "show", "default"),
        "open": [str(one) for one in files if one.stat().st_mode & 0o077],
        "files": {one.name: one.read_text() for one in files},
    }), flush=True)  # fmt: skip


async def scene(folder: Path) -> None:
    """One config after the other."""
    state = folder / "state"
    state.mkdir()
    certificate, key = state / "certificate.pem", state / "key.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
        "-subj", "/CN=st-k3m9q2x7", "-keyout", str(key), "-out", str(certificate))  # fmt: skip
    manager = NetworkManager(Own(certificate, key, state / "network"), Path("/nowhere"))
    until(lambda: _devices()["eth7"] == "of-the-image" and addresses())
    told("plain", await manager.carry_out(Network()), folder)
    everything = networks(certificate.read_text())
    said = await manager.carry_out(everything)
    until(lambda: "192.0.2.7/24" in addresses())
    told("everything", said, folder)
    before = _stamps()
    said = await manager.carry_out(everything)
    told("again", f"{said}{'' if _stamps() == before else 'written anew'}", folder)
    said = await manager.carry_out(replace(everything, wifi={GUEST: Wifi(psk="another one")}))
    told("changed", said, folder)
    said = await manager.carry_out(Network())
    until(lambda: _devices()["eth7"] == "of-the-image" and addresses())
    told("back", said, folder)
    for user in (STRANGER, STATION):
        told(f"as {user}", as_user(user), folder)
        told(f"what {user} may", sorted(allowed(user)), folder)
    told("refused", await manager.carry_out(Network(wifi={"short": Wifi(psk=SHORT)})), folder)


def as_user(user: int) -> str:
    """What this user is told who asks for the static address."""
    home = Path("/run") / str(user)
    home.mkdir()
    os.chown(home, user, user)
    said, says = os.pipe()
    if (child := os.fork()) == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        asked = NetworkManager(Own(home / "c", home / "k", home / "network"), Path("/nowhere")).carry_out(STATIC)
        os.write(says, asyncio.new_event_loop().run_until_complete(asked).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(says)
    with os.fdopen(said) as pipe:
        return pipe.read()


def allowed(user: int) -> set[str]:
    """Of ACTIONS, what polkit lets a process of this user do."""
    with subprocess.Popen(["sleep", "60"], user=user, group=user, extra_groups=[]) as process:
        started = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
        subject = f"{process.pid},{started},{user}"
        asked = {one: ("pkcheck", "--action-id", one, "--process", subject) for one in ACTIONS}
        may = {
            one for one, ask in asked.items() if subprocess.run(ask, capture_output=True, check=False).returncode == 0
        }
        process.kill()
    return may


def _stamps() -> dict[str, int]:
    return {one.name: one.stat().st_mtime_ns for one in _PROFILES.iterdir()}


if __name__ == "__main__":
    place = Path(sys.argv[1])
    os.umask(0o022)
    logging.basicConfig(level=logging.INFO)
    boot(place)
    asyncio.run(scene(place))
