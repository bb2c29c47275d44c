"""The courier between outbox and broker: what it does when one of them will not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.agent.courier import Courier
from device.agent.errors import OutboxUnusable
from device.agent.outbox import Outbox
from messaging.link.port import LinkDown
from messaging.topics import region_subscriptions
from tests.kits.servers.memory_broker import MemoryBroker, MemoryLink
from tests.kits.station.agent import Inline

FIRST, SECOND = "vs/1/d/st-00000001/up/e/first", "vs/1/d/st-00000001/up/m/second"


class Post:
    """A courier with its outbox and a broker."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outbox.sqlite"
        self.courier = Courier(Outbox(self.path), Inline())
        self.broker = MemoryBroker()
        self.broker.attach("region", region_subscriptions(), None)

    async def link(self) -> MemoryLink:
        link = self.broker.link("station", ())
        await link.start()
        return link

    @property
    def arrived(self) -> list[bytes]:
        return [payload for _, _, payload in self.broker.log]

    async def deliver_until(self, link: MemoryLink, count: int) -> None:
        """Deliver until so many have arrived."""
        task = asyncio.create_task(self.courier.deliver(link))
        async with asyncio.timeout(10):
            while len(self.arrived) < count and not task.done():  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    one = Post(tmp_path)
    yield one
    await one.courier.close()


async def test_messages_arrive_once_and_in_order_and_leave_the_outbox(post: Post) -> None:
    for number in range(25):
        await post.courier.post("measurement", SECOND, b"%d" % number)
    await post.deliver_until(await post.link(), 25)
    assert post.arrived == [b"%d" % number for number in range(25)]
    assert await post.courier.counts() == (0, 0)


async def test_what_is_posted_while_delivering_goes_at_once(post: Post) -> None:
    delivering = asyncio.create_task(post.deliver_until(await post.link(), 1))
    await asyncio.sleep(0)
    await post.courier.post("event", FIRST, b"now")
    await delivering
    assert post.arrived == [b"now"]


async def test_a_link_that_breaks_keeps_what_the_broker_has_not_taken(post: Post) -> None:
    link = await post.link()
    await post.courier.post("event", FIRST, b"kept")
    post.broker.cut("station")
    with pytest.raises(LinkDown):
        await post.courier.deliver(link)
    assert await post.courier.counts() == (1, 0)
    post.broker.restore("station")
    await post.deliver_until(link, 1)
    assert post.arrived == [b"kept"]


async def test_what_the_broker_refuses_is_passed_by_and_tried_again_on_the_next_connection(post: Post) -> None:
    await post.courier.post("event", FIRST, b"refused")
    await post.courier.post("measurement", SECOND, b"taken")
    post.broker.refuse("station", FIRST)
    link = await post.link()
    await post.deliver_until(link, 1)
    assert post.arrived == [b"taken"]
    post.broker.refuse("station")
    await post.deliver_until(link, 2)
    assert post.arrived == [b"taken", b"refused"]


async def test_what_nobody_listens_to_is_kept_until_somebody_does(post: Post) -> None:
    for said in (b"first", b"second"):
        await post.courier.post("event", FIRST, said)
    fresh = MemoryBroker()  # it has kept nothing, not even who listens
    link = fresh.link("station", ())
    await link.start()
    await post.courier.deliver(link)
    assert await post.courier.counts() == (2, 0)
    post.broker, fresh.log = fresh, []
    fresh.attach("region", region_subscriptions(), None)
    await post.deliver_until(link, 2)
    assert post.arrived == [b"first", b"second"]
    assert await post.courier.counts() == (0, 0)


async def test_a_disk_that_refuses_is_counted_and_the_agent_lives(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OutboxUnusable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "put", refuse)
        await post.courier.post("event", FIRST, b"lost")
    assert "disk full" in caplog.text
    await post.courier.post("event", FIRST, b"kept")
    assert await post.courier.counts() == (1, 1)


async def test_counting_in_an_outbox_that_cannot_be_read_tells_what_is_known(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> tuple[int, int]:
        raise OutboxUnusable("disk full")

    monkeypatch.setattr(Outbox, "counts", refuse)
    assert await post.courier.counts() == (0, 0)
