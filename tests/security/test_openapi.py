"""schemathesis over our own description of the API: no request that it makes up is answered by a crash or by what is not described."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from bot.house import House
from bot.web.app import create_app
from bot.web.openapi import OPERATIONS, document
from tests.conftest import Town, make

EXAMPLES = 25
# The rules are tried in a process of its own, a second each.
SLOW = ("/rules/test", "/rules/shadow")


class Living:
    """The application in a loop of its own: schemathesis asks from without, one request after the other."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._made = make(folder)
        self.house: House = self.run(anext(self._made))
        self.app = create_app(self.house)
        self.run(self._furnish())

    async def _furnish(self) -> None:
        town = Town(self.house)
        await town.roster()
        await town.says("boss", "明天上午九点在三楼开会，收到请回复。")

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self.run(self._made.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.app(scope, _over(receive), _over(send)), self._loop))


def _over(call: Any) -> Any:
    """A coroutine function of the caller's loop, to be awaited in ours."""
    loop = asyncio.get_running_loop()

    async def called(*given: Any) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(*given), loop))

    return called


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    for name in [one for one in os.environ if one.startswith("QINGQUN_") and not one.startswith("QINGQUN_TEST_")]:
        del os.environ[name]
    made = Living(tmp_path_factory.mktemp("api"))
    yield made
    made.close()


@pytest.mark.parametrize("operation", [(method, path) for method, path, *_ in OPERATIONS], ids=lambda one: " ".join(one))
@pytest.mark.filterwarnings("ignore")
def test_nothing_that_the_description_allows_crashes(living: Living, operation: tuple[str, str]) -> None:
    method, path = operation
    schema = schemathesis.openapi.from_dict(document())
    schema.app = living
    headers = {"authorization": f"Bearer {living.house.links.bearer('office', '机制办', ())}"}
    found: list[str] = []

    @settings(
        max_examples=3 if path in SLOW else EXAMPLES, derandomize=True, deadline=None, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=schema[f"/api/v1{path}"][method.upper()].as_strategy())
    def asked(case: Any) -> None:
        answer = case.call(headers=headers)
        assert answer.status_code < 500, f"{answer.status_code} {case.as_curl_command()}"
        case.validate_response(answer, checks=[status_code_conformance, response_schema_conformance])
        found.append(str(answer.status_code))

    asked()
    assert found
