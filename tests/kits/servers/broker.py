"""A real mosquitto for tests: mutual TLS on a free port of loopback, the ACL of `messaging.topics`, its own authority.

with running_broker(tmp_path) as broker:
    link = MqttLink(broker.settings("st-00000001", "st-00000001-call"), ...)
    broker.stop(); broker.start()      # away and back, on the same port
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import itertools
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from messaging.link.mqtt import MqttSettings
from region.broker import access_rules

READY_WITHIN_S = 20.0
REGION = "region"


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, PEM files; the certificate's CN is `name`."""

    name: str
    certificate: Path
    key: Path


class Authority:
    """A certificate authority that lives in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test authority")
        self._root = self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Identity:
        """A new key and certificate for `name`, good for client and server on loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_name(name), key, x509.BasicConstraints(ca=False, path_length=None))
        identity = Identity(name, self._folder / f"{name}.pem", self._folder / f"{name}.key")
        identity.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        identity.key.chmod(0o600)
        return identity

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, basic: x509.BasicConstraints
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(basic, critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@dataclass
class Broker:
    """One mosquitto; `log` holds its last lines."""

    folder: Path
    authority: Authority
    port: int
    host: str = "127.0.0.1"
    log: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    _process: subprocess.Popen[str] | None = None
    _drain: threading.Thread | None = None
    _issued: dict[str, Identity] = field(default_factory=dict)

    def identity(self, name: str) -> Identity:
        """The certificate of that name, made when first asked for."""
        if name not in self._issued:
            self._issued[name] = self.authority.issue(name)
        return self._issued[name]

    def settings(self, name: str, client_id: str | None = None) -> MqttSettings:
        """How a client with the certificate of `name` connects here."""
        identity = self.identity(name)
        return MqttSettings(
            self.host, self.port, client_id or name, self.authority.ca, identity.certificate, identity.key
        )

    def start(self) -> None:
        """Start it and return when it listens."""
        server = self.identity("server")
        acl = self.folder / "acl"
        acl.write_text(access_rules())
        acl.chmod(0o600)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous false\nuser root\n"
            # What it holds for those who are away survives its own death, as in a region.
            f"persistence true\npersistence_location {self.folder}/\nautosave_interval 1\nautosave_on_changes true\n"
            f"cafile {self.authority.ca}\ncertfile {server.certificate}\nkeyfile {server.key}\n"
            f"require_certificate true\nuse_identity_as_username true\nacl_file {acl}\n"
            "log_dest stderr\nlog_type all\nmax_inflight_messages 0\n"
        )
        self._process = subprocess.Popen(
            [_mosquitto(), "-c", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        listening = threading.Event()
        self._drain = threading.Thread(target=self._read_log, args=(self._process, listening), daemon=True)
        self._drain.start()
        if not listening.wait(READY_WITHIN_S) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError("mosquitto did not start:\n" + "\n".join(self.log))

    def stop(self, *, kill: bool = False) -> None:
        """End it: in order, or as a power cut would."""
        if self._process is None or self._drain is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(timeout=READY_WITHIN_S)
        self._drain.join(timeout=READY_WITHIN_S)
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process = self._drain = None

    def fall_silent(self) -> None:
        """Keep its connections and answer nothing any more, as a network that eats packets does."""
        self._signal(signal.SIGSTOP)

    def speak_again(self) -> None:
        """Go on where it fell silent."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _read_log(self, process: subprocess.Popen[str], listening: threading.Event) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line.rstrip())
            if line.rstrip().endswith("running"):
                listening.set()
        listening.set()  # it has ended: whoever waits looks at its exit code


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """A broker that runs inside the `with`, its files below `folder`."""
    broker = Broker(folder, Authority(folder / "pki"), free_port())
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def free_port() -> int:
    """A port of loopback that nobody listens on, by TCP or UDP, and that nobody is given who asks for any port.

    Between this look and the server that takes it, a connection that goes out or a server on port 0 may be given any
    port of the kernel's own range; below that range nobody comes by chance. Each port is handed out once.
    """
    for port in _ports:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just closed is free for a server
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _below_the_kernels() -> Iterator[int]:
    """Each port once, from one at random on: other runs of these tests look for theirs at the same time."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = 20_000, max(lowest, 21_000)
    begin = random.randrange(first, last)
    return itertools.chain(range(begin, last), range(first, begin))


_ports = _below_the_kernels()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise RuntimeError("mosquitto is not installed (Debian package: mosquitto)")
    return found
