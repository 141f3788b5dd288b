"""Never deaf for good: every fault of the real gateway is noticed, named once, shown, survived."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loguru import logger

from bot.channels import ChannelError
from bot.channels.wechaty import Intervals, WechatyChannel
from config.settings import SettingsError
from handlers.cards import Card
from handlers.events import ChannelDeaf, MessageReceived, RosterReceived
from tests.channels.gateway import FOLDER, QUICK, TOKEN, Ear, Gateway, install, listening, running, settings_for, until

ROOM = "r1@chatroom"


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What WARNING and above wrote, without the lines about single messages."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(line.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)


def lost(log: list[str]) -> list[str]:
    return [line for line in log if "听不到消息" in line]


def found(log: list[str]) -> list[str]:
    return [line for line in log if "已恢复" in line]


async def hears(gateway: Gateway, ear: Ear, text: str) -> None:
    await gateway.hear(text)
    await until(lambda: text in [event.text for event in ear.of(MessageReceived)])


async def deaf(channel: WechatyChannel, cause: str, seconds: float = 10) -> None:
    await until(lambda: channel.health().state == "deaf" and cause in channel.health().cause, seconds)


async def well(channel: WechatyChannel, seconds: float = 15) -> None:
    await until(lambda: channel.health().state == "ok" and not channel.health().cause, seconds)


def test_with_the_waiting_of_production_every_silence_is_noticed_within_a_minute() -> None:
    real = Intervals()
    looks_every = min(real.silence, real.login) / 4
    assert real.silence + looks_every + max(real.call, real.answer) < 60
    assert max(real.again) + real.call + real.login + looks_every < 60


async def test_a_gateway_that_is_absent_at_start_stops_nothing_and_is_found_when_it_comes(
    tmp_path: Path, log: list[str]
) -> None:
    install()
    gateway = Gateway()
    async with listening(gateway, tmp_path, QUICK) as (channel, ear):
        await deaf(channel, "连不上微信网关")
        await asyncio.sleep(1)
        assert (len(lost(log)), len(found(log))) == (1, 0)
        with pytest.raises(ChannelError, match="连不上") as refused:
            await channel.post(f"wechaty:{ROOM}", Card(title="通知"), "k")
        assert not refused.value.permanent
        assert refused.value.retry_after
        await gateway.start()
        try:
            await well(channel)
            await hears(gateway, ear, "来了")
            assert (len(lost(log)), len(found(log))) == (1, 1)
            assert ear.of(ChannelDeaf)[-1].until > ear.of(ChannelDeaf)[-1].since
        finally:
            gateway.kill()


@pytest.mark.parametrize("seconds", [0.2, 5.0], ids=["at once", "after 5 s"])
async def test_a_killed_gateway_that_comes_back_is_heard_again(tmp_path: Path, log: list[str], seconds: float) -> None:
    async with running() as gateway, listening(gateway, tmp_path, QUICK) as (channel, ear):
        await well(channel)
        await hears(gateway, ear, "之前")
        rosters = len(await until(lambda: ear.of(RosterReceived)))
        gateway.kill()
        await until(lambda: channel.health().state == "deaf", 5)
        await asyncio.sleep(seconds)
        await gateway.start()
        await well(channel)
        await hears(gateway, ear, "之后")
        await until(lambda: len(ear.of(RosterReceived)) > rosters)
        assert (len(lost(log)), len(found(log))) == (1, 1)
        gap = ear.of(ChannelDeaf)[-1]
        assert (gap.until - gap.since).total_seconds() >= seconds


@pytest.mark.long
@pytest.mark.parametrize("seconds", [70, 600])
async def test_an_outage_as_long_as_in_production_with_the_waiting_of_production(
    tmp_path: Path, log: list[str], seconds: int
) -> None:
    async with running() as gateway, listening(gateway, tmp_path, Intervals()) as (channel, ear):
        await well(channel, 60)
        await hears(gateway, ear, "之前")
        gateway.kill()
        await until(lambda: channel.health().state == "deaf", 60)
        await asyncio.sleep(seconds)
        await gateway.start()
        back = time.monotonic()
        await well(channel, 60)
        print(f"中断 {seconds} 秒，网关回来后 {time.monotonic() - back:.1f} 秒恢复")
        await hears(gateway, ear, "之后")
        assert (len(lost(log)), len(found(log))) == (1, 1)
        gap = ear.of(ChannelDeaf)[-1]
        assert (gap.until - gap.since).total_seconds() >= seconds


async def test_an_outage_that_goes_on_is_reported_while_it_goes_on(tmp_path: Path, log: list[str]) -> None:
    """As an outage of ten minutes is in production, on a scale of 1 : 2000."""
    async with running() as gateway, listening(gateway, tmp_path, QUICK) as (channel, ear):
        await well(channel)
        gateway.kill()
        reports = await until(lambda: len(ear.of(ChannelDeaf)) >= 4 and ear.of(ChannelDeaf)[1:])
        assert len({report.since for report in reports}) == 1
        assert len({report.id for report in reports}) == len(reports)
        await gateway.start()
        await well(channel)
        assert len(lost(log)) == len(found(log)) == 1


async def test_a_frozen_gateway_is_noticed_and_no_call_waits_for_ever(tmp_path: Path, log: list[str]) -> None:
    async with running() as gateway, listening(gateway, tmp_path, QUICK) as (channel, ear):
        await well(channel)
        gateway.freeze()
        started = time.monotonic()
        with pytest.raises(ChannelError):
            await channel.post(f"wechaty:{ROOM}", Card(title="通知"), "k")
        assert time.monotonic() - started < 6
        await deaf(channel, "没有响应")
        gateway.thaw()
        await well(channel)
        await hears(gateway, ear, "解冻")
        assert (len(lost(log)), len(found(log))) == (1, 1)


async def test_a_wrong_token_is_named_and_does_not_appear_in_the_log(tmp_path: Path, log: list[str]) -> None:
    async with running(token="another-token") as gateway:
        gateway.token = "wrong-token"
        async with listening(gateway, tmp_path, QUICK) as (channel, _):
            await deaf(channel, "令牌")
            await asyncio.sleep(0.5)
            assert len(lost(log)) == 1
            assert not [line for line in log if "wrong-token" in line]
            gateway.kill()
            await gateway.start()
            await well(channel)
            assert len(found(log)) == 1


async def test_a_second_client_that_takes_the_stream_is_named_and_outlasted(tmp_path: Path, log: list[str]) -> None:
    from bot.channels.wechaty import sdk

    slower = replace(QUICK, again=(1.0,))
    async with running() as gateway, listening(gateway, tmp_path, slower) as (channel, ear):
        await well(channel)
        rival = sdk.Gateway("127.0.0.1", gateway.port, TOKEN, None, 5.0)
        # Upstream's clients begin with a Stop, which ends our stream.
        await rival.puppet_stub.stop()
        await rival.begin()
        events = rival.events()
        await anext(events)
        await deaf(channel, "另一个程序")
        await events.aclose()
        rival.shut()
        await well(channel)
        await hears(gateway, ear, "又听到了")
        assert len(found(log)) == 1
        assert len(lost(log)) == 1
        assert "另一个程序" in lost(log)[0]


async def test_an_error_event_is_shown_until_a_probe_has_come_back_and_stops_nothing(
    tmp_path: Path, log: list[str]
) -> None:
    async with running() as gateway, listening(gateway, tmp_path, QUICK) as (channel, ear):
        await well(channel)
        seen: list[str] = []
        for _ in range(3):
            await gateway.tell("emit", name="error", payload={"gerror": '{"message":"内部异常"}'})
            seen.append(channel.health().cause)
        assert any("内部异常" in cause for cause in seen)
        await hears(gateway, ear, "照常")
        await well(channel)
        assert len([line for line in log if "内部异常" in line]) == len([line for line in log if "检查正常" in line])
        assert not lost(log)


@pytest.mark.parametrize(
    ("reason", "cause"), [("", "没有登录"), ("您的账号在别处登录", "您的账号在别处登录")], ids=["logged out", "kicked"]
)
async def test_a_logout_is_named_and_a_login_ends_it(tmp_path: Path, log: list[str], reason: str, cause: str) -> None:
    async with running() as gateway, listening(gateway, tmp_path, QUICK) as (channel, ear):
        await well(channel)
        await until(lambda: ear.of(RosterReceived))
        await gateway.tell("logout", reason=reason)
        await deaf(channel, cause)
        await gateway.tell("scan")
        await gateway.tell("join", room=ROOM, ids=["carol"], by="alice")
        await asyncio.sleep(2)
        assert len(lost(log)) == 1
        await gateway.tell("login")
        await well(channel)
        await until(lambda: "wechaty:carol" in [person.id for person in ear.of(RosterReceived)[-1].members])
        await hears(gateway, ear, "回来了")
        assert len(found(log)) == 1


async def test_an_account_that_never_logs_in_is_not_taken_for_a_healthy_one(tmp_path: Path) -> None:
    async with running() as gateway:
        await gateway.tell("logout", reason="")
        async with listening(gateway, tmp_path, QUICK) as (channel, _):
            await deaf(channel, "没有登录")


async def test_a_gateway_with_tls_is_trusted_by_its_authority(tmp_path: Path) -> None:
    authority = subprocess.run(
        ["node", "-e", "import('wechaty-puppet-service/dist/esm/src/auth/ca.js').catch(() => 0)"
         ".then(() => import(process.cwd() + '/node_modules/wechaty-puppet-service/dist/esm/src/auth/ca.js'))"
         ".then(ca => process.stdout.write(ca.TLS_CA_CERT))"],
        cwd=FOLDER, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(authority, encoding="ascii")
    more = {"channels.wechaty.tls": True, "channels.wechaty.ca_file": ca_file}
    async with running(tls=True) as gateway, listening(gateway, tmp_path, QUICK, **more) as (channel, ear):
        await well(channel)
        await hears(gateway, ear, "加密的")


async def test_closing_a_deaf_channel_takes_no_time(tmp_path: Path) -> None:
    started = time.monotonic()
    async with listening(Gateway(), tmp_path, QUICK) as (channel, _):
        await deaf(channel, "连不上")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"channels.wechaty.token": ""}, "channels.wechaty.token"),
        ({"channels.wechaty.endpoint": "网关"}, "channels.wechaty.endpoint"),
        ({"channels.wechaty.endpoint": "127.0.0.1:99999"}, "channels.wechaty.endpoint"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(tmp_path: Path, more: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        WechatyChannel(settings_for(Gateway(), tmp_path, **more), tmp_path, lambda: datetime.now(UTC), QUICK)


def test_the_sdk_is_not_imported_before_the_channel_is_opened(tmp_path: Path) -> None:
    program = (
        "import sys, bot.channels.wechaty;"
        "before = sorted(name for name in sys.modules if name.startswith(('wechaty', 'grpclib')));"
        "import bot.channels.wechaty.sdk, logging, pathlib;"
        "loud = [name for name, one in logging.root.manager.loggerDict.items()"
        " if 'echaty' in name and getattr(one, 'handlers', None)];"
        "print(before, loud, 'telnetlib' in sys.modules, [p.name for p in pathlib.Path('.').iterdir()])"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    root = str(Path(__file__).parents[2])
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True, env={"PYTHONPATH": root})
    assert said.stdout.strip() == "[] [] False []"
