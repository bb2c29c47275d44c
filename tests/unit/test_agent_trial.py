"""A config on trial: what is taken back, for what, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.agent import desired, trial
from device.agent.desired import InForce
from device.agent.trial import (
    CALL_S,
    LINK_S,
    MOST_RESTARTS,
    MOST_STARTS,
    MOST_TRIES,
    WELL_S,
    Facts,
    Journal,
    TakenBack,
    proving,
    start,
)  # fmt: skip
from messaging.settings import Network, Static, Wired
from messaging.twin import Config, Proving
from messaging.twin import TakenBack as ToldTakenBack
from tests.kits.station.trial import GOOD, STATIC, Station


def test_what_another_station_was_told_holds_no_longer_and_its_versions_count_no_more() -> None:
    station = Station()
    station.trial = trial.serve(station.trial, "st-former00")
    station.desire(9, volume=30)
    station.trial = trial.serve(station.trial, "st-former00")
    assert station.version == 9, "the same station goes on"
    station.trial = trial.serve(station.trial, "st-another0")
    assert station.journal == Journal(station="st-another0")
    assert station.desire(1) == {}
    assert (station.version, station.journal.station) == (1, "st-another0")


def test_who_it_is_outlives_a_trial_that_ends_well_and_one_that_does_not() -> None:
    station = Station(start(Journal(GOOD, station="st-former00"), 0.0))
    station.desire(6, volume=30)
    station.take()
    station.wait(WELL_S + 1)
    assert (station.version, station.journal.good, station.journal.station) == (6, None, "st-former00")
    station.desire(7, volume=40)
    station.wait(CALL_S + 1)  # station-call does not take it
    assert (station.version, station.journal.station) == (6, "st-former00")


def test_a_config_under_which_all_is_well_becomes_the_good_one() -> None:
    station = Station()
    assert station.desire(6, volume=40) == {}
    assert (station.version, station.journal.good) == (6, GOOD)
    station.take()
    station.wait(WELL_S - 1)
    assert station.journal.good == GOOD
    station.wait(1)
    assert station.journal == Journal(InForce(6, Config(clinic="Lægehuset", volume=40)))


def test_the_region_is_told_that_a_config_is_on_trial_and_that_it_is_kept() -> None:
    station = Station()
    assert proving(station.trial) == Proving()
    station.desire(6, volume=40)
    assert proving(station.trial) == Proving(on_trial=True)
    station.take()
    station.wait(WELL_S)
    assert proving(station.trial) == Proving()


def test_the_region_is_told_what_waits_for_a_call_and_what_was_taken_back_until_a_newer_one_is_in_force() -> None:
    station = Station()
    station.call(busy=True)
    station.desire(6, clinic="")
    assert proving(station.trial) == Proving(waiting=6)
    station.call(busy=False)
    station.call(config_version=6, fault="no_clinic")
    assert proving(station.trial) == Proving(on_trial=True)
    station.wait(CALL_S)
    assert proving(station.trial) == Proving(taken_back=ToldTakenBack(6, "call failed"))
    station.call(config_version=5, fault="")
    station.desire(7, volume=40)
    assert proving(station.trial) == Proving(on_trial=True)


def test_a_config_that_says_what_is_in_force_is_not_tried() -> None:
    station = Station()
    station.desire(6)
    assert station.journal == Journal(replace(GOOD, version=6))


def test_a_fault_that_came_with_the_config_takes_it_back() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S - 1)
    assert station.version == 6
    station.wait(1)
    assert station.journal == Journal(GOOD, taken_back=TakenBack(6, "call failed"))
    assert station.told() == {"document": "taken back: call failed"}


@pytest.mark.parametrize("fault", ["internal", "no_clinic"])
def test_a_fault_that_was_there_before_is_not_the_config_s(fault: str) -> None:
    station = Station()
    station.call(fault=fault)
    station.desire(6, volume=40)
    station.take()
    station.wait(CALL_S + WELL_S)
    assert station.journal.good is None
    assert station.version == 6


@pytest.mark.parametrize("fault", ["no_devices", "not_enrolled"])
def test_a_device_that_is_pulled_out_is_nobody_s_config(fault: str) -> None:
    station = Station()
    station.desire(6, volume=40)
    station.call(config_version=6, fault=fault)
    station.wait(CALL_S * 3)
    assert station.version == 6


def test_a_station_call_that_goes_and_does_not_come_back_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.see(Facts(link=True))
    station.wait(CALL_S)
    assert station.journal.taken_back == TakenBack(6, "call failed")


def test_a_station_call_that_was_away_before_is_waited_for() -> None:
    station = Station(facts=Facts(link=True))
    station.desire(6, volume=40)
    station.wait(CALL_S * 5)
    assert (station.version, station.journal.good) == (6, GOOD)
    station.call()
    station.wait(WELL_S)
    assert station.journal.good is None


def test_a_station_call_that_does_not_take_it_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.wait(CALL_S)
    assert station.version == 5


def test_a_station_call_that_restarts_again_and_again_takes_it_back_and_once_is_forgiven() -> None:
    station = Station()
    station.desire(6, volume=40)
    for run in range(2, 2 + MOST_RESTARTS):
        assert station.version == 6
        station.wait(WELL_S - 10)
        station.call(boot=f"run-{run}", config_version=6)
    assert station.journal.taken_back == TakenBack(6, "call failed")

    station = Station()
    station.desire(6, volume=40)
    station.call(boot="run-2", config_version=6)
    station.wait(WELL_S)
    assert station.journal.good == GOOD, "the trial begins anew with a restart"
    station.wait(1)
    assert station.journal.good is None


def test_a_config_that_costs_the_link_is_taken_back_and_never_tried_again() -> None:
    station = Station()
    station.desire(6, network=STATIC)
    station.take()
    station.wait(20)
    station.link(up=False)
    station.wait(LINK_S - 1)
    assert station.version == 6
    station.wait(1)
    assert station.version == 5
    station.wait(30)
    station.link(up=True)
    assert station.desire(6, network=STATIC) == {"document": "taken back: link lost"}
    assert station.version == 5
    assert station.desire(7, volume=20) == {}
    assert station.version == 7


def test_a_link_that_comes_back_in_time_is_no_loss() -> None:
    station = Station()
    station.desire(6, network=STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S - 1)
    station.link(up=True)
    station.wait(WELL_S)
    assert station.journal == Journal(station.journal.in_force)
    assert station.version == 6


def test_a_config_that_cannot_have_cost_the_link_is_not_judged_by_it() -> None:
    station = Station()
    station.desire(6, clinic="Another", volume=40)
    station.take()
    station.link(up=False)
    station.wait(LINK_S * 3)
    assert station.journal.good is None
    assert station.version == 6


def test_an_outage_of_the_region_takes_no_config_back_for_ever_and_does_not_go_to_and_fro() -> None:
    station = Station()
    station.desire(6, network=STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    station.take()
    assert station.version == 5
    station.wait(3600)
    assert station.version == 5, "the station works by the good one for as long as the outage lasts"
    station.link(up=True)
    assert station.told() == {"document": "taken back: link lost"}
    assert station.desire(6, network=STATIC) == {}
    station.take()
    station.wait(WELL_S)
    assert station.journal == Journal(station.journal.in_force)
    assert station.version == 6


def test_a_region_that_goes_at_every_try_ends_it_after_a_few() -> None:
    station = Station()
    for _ in range(MOST_TRIES):
        station.link(up=True)
        assert station.desire(6, network=STATIC) == {}
        station.take()
        station.link(up=False)
        station.wait(LINK_S)
        assert station.version == 5
        station.take()
        station.wait(LINK_S * 2)
    station.link(up=True)
    assert station.desire(6, network=STATIC) == {"document": "taken back: link lost"}


def test_a_running_call_is_not_disturbed_by_a_config() -> None:
    station = Station()
    station.call(busy=True)
    station.desire(6, volume=40)
    station.wait(3600)
    assert station.version == 5
    assert station.desire(7, volume=50) == {}
    older = station.desire(6, volume=40)
    assert older == {"document": "version 6 is older than 7, which waits for the end of a call"}
    station.call(busy=False)
    assert (station.version, station.journal.in_force.config.volume) == (7, 50)


def test_a_running_call_is_not_disturbed_by_a_taking_back() -> None:
    station = Station()
    station.desire(6, network=STATIC)
    station.call(config_version=6, busy=True)
    station.link(up=False)
    station.wait(LINK_S * 2)
    assert station.version == 6
    station.call(busy=False)
    assert station.version == 5


def test_a_station_call_that_dies_in_its_call_keeps_no_config_waiting() -> None:
    station = Station()
    station.call(busy=True)
    station.desire(6, volume=40)
    station.see(Facts(link=True))
    assert station.version == 6


def test_an_agent_that_is_restarted_goes_on_with_the_trial() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.restart()
    assert (station.version, station.journal.good) == (6, GOOD)
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S)
    assert station.journal.taken_back == TakenBack(6, "call failed")


def test_a_station_call_that_never_comes_up_after_a_power_cut_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    station.restart()
    station.see(Facts(link=False))
    station.wait(CALL_S)
    assert station.version == 5


def test_an_agent_that_dies_of_a_config_takes_it_back() -> None:
    station = Station()
    station.desire(6, volume=40)
    for _ in range(MOST_STARTS):
        assert station.version == 6
        station.wait(WELL_S - 1)
        station.restart()
    assert station.journal == Journal(GOOD, taken_back=TakenBack(6, "agent failed"))
    assert station.desire(6, volume=40) == {"document": "taken back: agent failed"}


def test_power_cuts_far_apart_are_not_the_config_s() -> None:
    station = Station(facts=Facts(link=True))  # and station-call never comes, so that the trial lasts
    station.desire(6, volume=40)
    for _ in range(MOST_STARTS * 3):
        station.restart()
        station.wait(WELL_S)
    assert station.version == 6


def test_a_restart_during_an_outage_leaves_it_open_who_was_to_blame() -> None:
    station = Station()
    station.desire(6, network=STATIC)
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    station.restart()
    station.take()
    station.link(up=True)
    assert station.desire(6, network=STATIC) == {}
    assert station.version == 6


def test_a_newer_config_replaces_the_one_on_trial_and_the_good_one_stays_the_good_one() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.call(config_version=6, fault="no_clinic")
    station.wait(CALL_S - 1)
    station.desire(7, clinic="", volume=3)
    assert (station.version, station.journal.good) == (7, GOOD)
    station.call(config_version=7)
    station.wait(CALL_S)
    assert station.journal == Journal(GOOD, taken_back=TakenBack(7, "call failed"))
    assert station.desire(6, volume=10) == {"document": "version 6 is older than 7, which was taken back"}


def test_a_newer_config_that_goes_back_by_itself_ends_the_trial() -> None:
    station = Station()
    station.desire(6, clinic="")
    station.desire(7)
    assert station.journal == Journal(replace(GOOD, version=7))


def test_newer_software_that_makes_more_of_the_same_document_has_its_trial_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = Station()
    monkeypatch.setattr(desired, "APPLIED", desired.APPLIED - {"network"})
    station.desire(6, network=STATIC)
    assert station.journal.good is None
    monkeypatch.setattr(desired, "APPLIED", desired.APPLIED | {"network"})
    assert station.desire(6, network=STATIC) == {}
    assert station.journal.in_force.config.network == Network(wired=Wired(ip=Static(address="10.0.0.5/24")))
    station.take()
    station.link(up=False)
    station.wait(LINK_S)
    assert station.journal.in_force.config.network == Network()
    assert station.told() == {"document": "taken back: link lost"}
    station.link(up=True)
    assert station.desire(6, network=STATIC) == {"document": "taken back: link lost"}
    assert station.journal.in_force.config.network == Network()
