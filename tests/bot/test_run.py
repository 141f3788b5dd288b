"""Which loop a process runs on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import uvloop

from bot.commands.run import loop_of
from config.settings import load_settings

WECHAT = {"QINGQUN_CHANNELS__WECHATY__ENDPOINT": "127.0.0.1:18788", "QINGQUN_CHANNELS__WECHATY__TOKEN": "t"}


@pytest.mark.parametrize(
    ("role", "environ", "wanted"),
    [
        pytest.param("all", {}, uvloop.new_event_loop, id="without WeChat"),
        pytest.param("all", WECHAT, asyncio.new_event_loop, id="with WeChat in the process"),
        pytest.param("channels", WECHAT, asyncio.new_event_loop, id="the process of the channels"),
        pytest.param("web", WECHAT, uvloop.new_event_loop, id="WeChat elsewhere"),
    ],
)
def test_whoever_speaks_to_the_wechat_gateway_runs_on_the_plain_loop(
    tmp_path: Path, role: str, environ: dict[str, str], wanted: object
) -> None:
    settings = load_settings(flags={"data": tmp_path}, environ=environ)
    assert loop_of(settings, role) is wanted
