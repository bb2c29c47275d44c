"""Door B at the station: its table, a power cut at every point of it, and that only the key that was shown gets in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.claim import RegionFile, check_code
from messaging.enrolment import read_code_file
from provisioning.station.claim import Claiming, OnDisk, Shown, Step, next_step
from provisioning.station.claimstore import ClaimStore, thumbprint
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import BadAnswer, CodeFileMissing, Refused, RegionFileMalformed, RegionNotTrusted
from provisioning.station.keystore import Keystore
from tests.kits.servers.est_server import EstServer, est_server, http
from tests.unit.test_enrol_steps import Cutter, PowerCut

STATION = "st-k3m9q2x7"
_REGIONS = [RegionFile(f"https://r{number}", "ab" * 32, "r:1") for number in range(2)]
_DISKS = st.builds(
    OnDisk, st.booleans(), st.booleans(), st.sampled_from([None, *_REGIONS]), st.sampled_from([None, *_REGIONS])
)


class Station:
    """One station's disk."""

    def __init__(self, folder: Path, region: EstServer | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.state, self.code, self.card = folder / "state", folder / "code.toml", folder / "region.toml"
        if region is not None:
            self.knows(region)

    def knows(self, region: EstServer) -> None:
        region.print_region(self.card)

    def claiming(self) -> Claiming:
        """What a new process knows: nothing but the disk."""
        return Claiming(self.state, self.card, self.code, "10000000abcd")

    def enrolment(self) -> Enrolment:
        return Enrolment(Keystore(self.state), self.code)

    def claimed_key(self) -> str:
        return thumbprint(ClaimStore(self.state).key())

    def key(self) -> str:
        return thumbprint(Keystore(self.state).registered_key())


async def _whole(station: Station, region: EstServer) -> None:
    """From nothing to enrolled, approved by somebody as soon as it asks; as the agent does it."""
    for _ in range(4):
        try:
            await station.enrolment().enrol()
            break
        except CodeFileMissing:
            if await station.claiming().ask() is not None:
                await region.approve()
    await station.claiming().ask()
    station.enrolment().settle()


@given(_DISKS)
def test_the_table_asks_nobody_who_is_not_the_region_of_the_card_and_never_once_enrolled(disk: OnDisk) -> None:
    step = next_step(disk)
    if disk.enrolled:
        assert step is Step.DROP
    elif disk.code_file or disk.region is None:
        assert step is Step.NOTHING
    else:
        assert step is (Step.ASK if disk.region == disk.claimed else Step.BEGIN)


async def test_a_station_shows_who_it_is_and_enrols_once_it_is_approved(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        shown = await station.claiming().ask()
        assert shown is not None
        key = station.claimed_key()
        (asked,) = region.claims.values()
        assert shown.check == check_code(key, asked.code_sha256, "ef" * 16)
        assert shown.link == f"https://region.example/claims/{key}?check={shown.check}"
        assert asked.serial == "10000000abcd"
        assert await station.claiming().ask() == shown, "asked again, it shows the same"
        await region.approve()
        assert await station.claiming().ask() is None
        assert (await station.enrolment().enrol()).station == STATION
        assert station.key() == key
        await station.claiming().ask()
        assert station.enrolment().settle()
        assert not station.code.exists()
        assert sorted(one.name for one in station.state.iterdir()) == [
            "ca.pem", "certificate.pem", "enrolled.json", "identity.json", "key.pem"
        ]  # fmt: skip


async def test_the_code_is_not_told_before_it_is_approved_and_the_key_never(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        await station.claiming().ask()
        claim = ClaimStore(station.state).claim()
        assert claim is not None
        assert claim.code not in repr(claim)
        secret = ClaimStore(station.state).key_pem().splitlines()[1]
        assert not any(claim.code.encode() in body or secret in body for body in region.bodies)
        for path in (station.state / "claiming").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.long
async def test_a_power_cut_at_any_write_loses_nothing_and_the_key_that_was_shown_gets_in(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        counted = Station(tmp_path / "count", region)
        with pytest.MonkeyPatch.context() as patch:
            cutter = Cutter(patch, 10_000)
            await _whole(counted, region)
            writes = 10_000 - cutter.left
        assert writes > 35
        for survive in range(writes):
            region.claims.clear()
            station = Station(tmp_path / f"cut-{survive}", region)
            with pytest.MonkeyPatch.context() as patch:
                Cutter(patch, survive)
                with pytest.raises(PowerCut):
                    await _whole(station, region)
            await _whole(station, region)
            (key,) = region.claims  # no other was ever asked for
            assert station.key() == key
            assert region.store.rows[STATION].key_sha256 == key
            assert not station.code.exists()
            assert not (station.state / "claiming").exists()
            assert not (station.state / "enrolling").exists()


async def test_a_lost_answer_costs_nothing(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        await station.claiming().ask()
        await region.approve()
        await station.claiming().ask()
        region.lose_next_answer()
        with pytest.raises(Exception, match="HTTP"):
            await station.enrolment().enrol()
        await _whole(station, region)
        assert station.key() in region.claims


async def test_a_code_file_comes_before_the_claim_and_ends_it(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        await station.claiming().ask()
        claimed = station.claimed_key()
        await region.print_code(station.code)
        assert await station.claiming().ask() is None
        await _whole(station, region)
        assert station.key() != claimed
        assert not (station.state / "claiming").exists()


async def test_another_region_s_card_begins_another_claim(tmp_path: Path) -> None:
    async with est_server(tmp_path / "one", STATION) as one, est_server(tmp_path / "two", STATION) as two:
        station = Station(tmp_path / "s", one)
        await station.claiming().ask()
        first, seen = station.claimed_key(), station.claiming().fingerprint()
        station.knows(two)
        assert station.claiming().fingerprint() != seen
        await station.claiming().ask()
        assert list(two.claims) == [station.claimed_key()] != [first]


async def test_whoever_is_not_the_region_of_the_card_hears_nothing(tmp_path: Path) -> None:
    async with est_server(tmp_path / "honest", STATION) as honest, est_server(tmp_path / "false", STATION) as false:
        station = Station(tmp_path / "s", honest)
        station.card.write_text(station.card.read_text().replace(str(honest.port), str(false.port)))
        with pytest.raises(RegionNotTrusted):
            await station.claiming().ask()
        assert false.asked == ["/.well-known/est/stations/cacerts"]


async def test_a_refused_station_says_so_and_asks_again_with_the_same_key(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        await station.claiming().ask()
        region.refused.add(station.claimed_key())
        shown = await station.claiming().ask()
        assert isinstance(shown, Shown)
        assert shown.refused
        region.refused.clear()
        again = await station.claiming().ask()
        assert again is not None
        assert not again.refused


async def test_a_code_of_its_own_that_counts_no_more_is_dropped_and_a_technician_s_is_not(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        await station.claiming().ask()
        first = station.claimed_key()
        await region.approve()
        await station.claiming().ask()
        own = read_code_file(station.code.read_text())
        await region.enrolment.invite(STATION)  # somebody makes another code for the same station
        with pytest.raises(Refused, match="wrong_code"):
            await station.enrolment().enrol()
        assert station.claiming().take_back()
        assert not station.code.exists()
        await _whole(station, region)
        assert station.key() not in (first, "")
        await region.print_code(station.code)
        assert read_code_file(station.code.read_text()).code != own.code
        assert not station.claiming().take_back()
        assert station.code.exists()


async def test_without_a_region_file_there_is_nobody_to_ask(tmp_path: Path) -> None:
    station = Station(tmp_path / "s")
    assert await station.claiming().ask() is None
    assert station.claiming().fingerprint() is None
    assert not (station.state / "claiming").exists()


@pytest.mark.parametrize("content", [b"", b"[region]\nurl = 3", b"\xff\xfe", b"x" * 9000])
async def test_a_file_that_is_no_region_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    station = Station(tmp_path / "s")
    station.card.write_bytes(content)
    with pytest.raises(RegionFileMalformed):
        await station.claiming().ask()


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"\xff", b'{"state": "approved"}', b"[" * 3000])
async def test_an_answer_that_is_none_is_refused(tmp_path: Path, answer: bytes) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path / "s", region)
        claiming = station.claiming()
        await claiming.ask()
        region.answer = http(200, answer)
        with pytest.raises(BadAnswer):
            await claiming.ask()
