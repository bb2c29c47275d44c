"""The API tried with requests made of its own document: never a fault of ours, never a change by what was refused."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from region.web.problems import TYPE as PROBLEM
from tests.kits.examples import examples
from tests.kits.region.api import Operation, every_operation, furnish
from tests.kits.region.api_fuzz import Sent, requests
from tests.kits.region.app import every_subject, region_kit, still

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]
EACH = settings(
    max_examples=examples(50),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TELL_THE_LOG = {"export", "read_diagnostics"}  # that somebody has read these is itself a row
OPERATIONS = every_operation()
OF_REQUESTS = {one.name: requests(one) for one in OPERATIONS}


@dataclass
class Stage:
    """A region, somebody and a script of each role, and an eye on its database file that sees all commits of others."""

    browsers: dict[str, httpx.AsyncClient]
    scripts: dict[str, httpx.AsyncClient]
    tokens: dict[str, str]
    eye: sqlite3.Connection
    answers: Counter[int] = field(default_factory=Counter)

    def commits(self) -> int:
        return int(self.eye.execute("PRAGMA data_version").fetchone()[0])

    async def send(self, operation: Operation, sent: Sent, *, by_token: bool) -> httpx.Response:
        role = next(one for one in self.browsers if one in operation.told["x-roles"])
        whose = self.scripts if by_token else self.browsers
        headers = {"content-type": sent.media} | ({} if by_token else {"x-csrf-token": self.tokens[role]})
        return await whose[role].request(operation.method, sent.target, content=sent.content, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    data: Path = tmp_path_factory.mktemp("region")
    async with region_kit(data, map(still, every_subject(data))) as kit:
        await furnish(kit)
        ivan = await kit.person("ivan", "it_admin")
        sara = await kit.person("sara", "site_staff", sites=[3])
        json_only = {"accept": "application/json"}
        async with kit.signed_in(ivan, **json_only) as it, kit.signed_in(sara, **json_only) as staff:
            browsers = {"it_admin": it, "site_staff": staff}
            tokens = {role: await kit.csrf(browser) for role, browser in browsers.items()}
            of_it = kit.script((await kit.token("ivan", "it_admin")).secret)
            of_staff = kit.script((await kit.token("ivan", "site_staff", sites=(3,))).secret)
            async with of_it, of_staff:
                scripts = {"it_admin": of_it, "site_staff": of_staff}
                for script in scripts.values():  # the first use of the day is written down
                    assert (await script.get("/api/session")).is_success
                eye = sqlite3.connect(data / "region.sqlite")
                try:
                    yield Stage(browsers, scripts, tokens, eye)
                finally:
                    eye.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
@EACH
@given(data=st.data())
async def test_whatever_is_sent_the_answer_is_as_told(operation: Operation, data: st.DataObject, stage: Stage) -> None:
    sent, by_token = data.draw(OF_REQUESTS[operation.name]), data.draw(st.booleans())
    before = stage.commits()
    answer = await stage.send(operation, sent, by_token=by_token)
    stage.answers[answer.status_code] += 1
    assert answer.status_code < 500, (sent, answer.text)
    operation.check(answer)
    if by_token and operation.told["x-right"] == "people":
        assert not answer.is_success, sent
    if not answer.is_success:
        assert answer.headers["content-type"] == PROBLEM
        assert stage.commits() == before, (sent, answer.text)
    if operation.method == "GET" and operation.name not in TELL_THE_LOG:
        assert stage.commits() == before, sent


async def test_the_requests_were_neither_all_refused_nor_all_taken(stage: Stage) -> None:
    """Runs last, on what the others counted: a fuzz that is always refused at the door tries nothing."""
    if sum(stage.answers.values()) < 500:
        pytest.skip("only with all of the others")
    assert {200, 201, 404, 409, 422} <= set(stage.answers), stage.answers
    assert min(stage.answers[422], stage.answers[200]) > 50, stage.answers
