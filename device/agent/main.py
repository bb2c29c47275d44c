"""`station agent`: the agent on a real station, or on a simulated one."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from device.agent.agent import Agent
from device.agent.errors import AgentError
from device.agent.surroundings import MakeLink, Surroundings, Will
from device.runtime.config import StationConfig
from device.runtime.service import Watchdog, run_service
from messaging.clock import Clock, SystemClock
from messaging.enrolment import split_address
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Link
from messaging.topics import agent_subscriptions
from provisioning.station.keystore import Identity, Keystore


def main(config: StationConfig) -> int:
    """Run station-agent until it is told to stop; an exit code."""
    return run_service("station-agent", lambda watchdog: serve(config, watchdog))


async def serve(config: StationConfig, watchdog: Watchdog) -> None:
    """The agent on this machine's clock, disk and network."""
    for directory in (config.state_dir, config.runtime_dir):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AgentError(f"{directory} cannot be made: {error.strerror}") from error
    clock = SystemClock()
    with ThreadPoolExecutor(1, thread_name_prefix="agent") as thread:
        agent = Agent(config, Surroundings(clock, _link_maker(clock), thread, random.Random()))  # noqa: S311 - jitter
        await agent.run(watchdog)


def _link_maker(clock: Clock) -> MakeLink:
    def make(identity: Identity, keystore: Keystore, will: Will) -> Link:
        host, port = split_address(identity.broker)
        client_id = keystore.client_id(identity.station, "agent")
        settings = MqttSettings(host, port, client_id, keystore.ca, keystore.certificate, keystore.key)
        return MqttLink(settings, agent_subscriptions(identity.station), will, clock)

    return make
