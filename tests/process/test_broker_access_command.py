"""`region broker-access` as it stands beside a RabbitMQ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from messaging.client_ids import client_id
from region.broker import write_access
from region.cli.entry import main
from tests.kits.eventually import soon
from tests.kits.servers.broker import free_port

STATION = "st-k3m9q2x7"


@pytest.mark.system
def test_it_answers_on_loopback_until_it_is_ended(tmp_path: Path) -> None:
    write_access(tmp_path, (), None)
    port = free_port()
    words = [sys.executable, "-m", "region.cli", "broker-access", "--acl", str(tmp_path / "acl"), "--port", str(port)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)

    def answer() -> str:
        asked = {"username": STATION, "vhost": "/", "client_id": client_id(STATION, "call", b"key")}
        try:
            return httpx.post(f"http://127.0.0.1:{port}/user", data=asked).text
        except httpx.TransportError:
            return ""

    try:
        assert soon(answer, 60) == "allow"
    finally:
        process.terminate()
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")


def test_it_does_not_start_where_there_is_no_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker-access", "--acl", str(tmp_path / "acl")]) == 2
    assert "--role stations writes it" in capsys.readouterr().err
