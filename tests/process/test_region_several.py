"""Several processes of one region, on real PostgreSQL and mosquitto: calls cross them, and outlive any of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from messaging.call import Connected, Devices, Lost, Offer, Request
from tests.kits.servers.postgres import Postgres
from tests.process.several_stage import Several, page_of, several, station_call

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
CALL = "aabbccdd00112233"


async def test_a_call_crosses_the_processes_and_outlives_those_that_are_killed(
    server: Postgres, template: str, tmp_path: Path
) -> None:
    async with several(tmp_path, server.database(template)) as stage:
        for name, role in (("ears", "stations"), ("spare", "stations"), ("a", "web"), ("b", "web")):
            stage.serve(name, role)
        made = await asyncio.to_thread(_furnish, stage)
        for name in ("ears", "spare", "a", "b"):
            await asyncio.to_thread(stage.wait_ready, name)
        a, b = stage.ports["a"], stage.ports["b"]
        async with station_call(stage, made["station"]) as station:
            async with page_of(made["link"], a, "a" * 16) as page:
                await station.says(CALL, Request(Devices()))
                await station.hears("ringing")
                await station.says(CALL, Offer(1, "v=0 " + "x" * 20_000))
                board = await page.sees("board")
                while not board["waiting"]:
                    board = await page.sees("board")
                await page.post(b, f"calls/{CALL}/claim")
                await page.sees("call", call=CALL, state="connecting")
                await page.post(b, f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")
                assert (await station.hears("answer"))["sdp"] == "v=0 answer"
                await station.says(CALL, Connected(1, 100.0))
                await page.sees("call", state="in_call")

                first = stage.on_duty()
                await asyncio.to_thread(stage.kill, first)
                await station.says(CALL, Lost(1))  # while nobody listens: the broker keeps it
                await station.says(CALL, Offer(2, "v=0 again"))
                assert (await page.sees("offer", generation=2))["sdp"] == "v=0 again"
                assert stage.on_duty() == ({"ears", "spare"} - {first}).pop()
                await page.post(a, f"calls/{CALL}/answer", generation=2, sdp="v=0 second answer")
                await station.hears("answer", 2)
                await station.says(CALL, Connected(2, 100.0))
                await page.sees("call", state="in_call")

                await asyncio.to_thread(stage.kill, "a")
            again = await asyncio.to_thread(stage.command, "link", "anna")
            async with page_of(again, b, "a" * 16, CALL) as page:
                await page.sees("call", call=CALL, state="in_call")
                await page.post(b, f"calls/{CALL}/hangup")
                assert (await station.hears("hangup"))["reason"] == "clinician_left"
                await page.sees("call", state="ended")
            assert [said["type"] for said in station.heard] == ["ringing", "answer", "answer", "hangup"]
        startable = [
            name for name in ("ears", "spare", "a", "b") if (tmp_path / name / "broker/mosquitto.conf").exists()
        ]
        assert startable == ["ears", "spare"], "those who hear the stations write all that a broker is started with"
        log = json.loads(await asyncio.to_thread(stage.command, "audit", "list", "--json"))
    done = [row["action"] for row in log if row["action"].startswith("call.")]
    assert sorted(done) == ["call.answered", "call.ended", "call.requested"]


def _furnish(stage: Several) -> dict[str, str]:
    command = stage.command
    command("clinic", "add", "Bakkens Klinik")
    command("site", "add", "Solgården")
    station = command("station", "add", "Stue 4", "--site", "Solgården", "--clinic", "Bakkens Klinik", "--json")
    command("user", "add", "anna", "--role", "clinician", "--clinic", "Bakkens Klinik")
    return {"station": json.loads(station)["id"], "link": command("link", "anna")}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--role", "web"], "several processes need PostgreSQL"),
        (["--role", "web", "--database", "postgresql://db.test/region"], "name it with --broker"),
    ],
)
def test_what_several_processes_need_is_said_in_a_plain_word(words: list[str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "region.cli", "serve", "--data", str(tmp_path), *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert told in done.stderr
