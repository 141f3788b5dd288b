"""What can be wrong with the way to WeChat, each with a sentence that says what to do."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """The value is (kind, sentence): within one outage each kind is logged once, however its sentence changes."""

    ABSENT = ("link", "连不上微信网关：没有程序在监听，或网络不通。请检查网关是否已启动、endpoint 设置对不对。")
    LOST = ("link", "与微信网关的连接断开了，正在自动重连。如长时间不恢复，请检查网关。")
    FROZEN = ("link", "微信网关没有响应：连接还在，但没有任何应答。请检查网关进程和它所在的机器。")
    TOKEN = ("token", "微信网关拒绝了令牌。请核对 channels.wechaty.token 与网关的令牌是否一致。")
    TAKEN = ("taken", "微信网关的消息通道被另一个程序占用，轻群听不到消息。请停掉连接同一网关的另一个程序。")
    LOGGED_OUT = ("login", "微信账号没有登录。请到网关扫码登录。")
    KICKED = ("login", "微信账号被登出（{detail}）。请先在手机上确认账号状态，再到网关扫码登录。")
    TROUBLE = ("trouble", "微信网关报告了错误（{detail}），消息通道仍在检查中。")

    @property
    def kind(self) -> str:
        return self.value[0]

    def sentence(self, detail: str = "") -> str:
        return str(self.value[1]).format(detail=detail or "没有说明原因")


class GatewayError(Exception):
    """A call that the gateway did not answer well. `final`: it has answered, and the answer is no."""

    def __init__(self, fault: Fault, detail: str = "", *, final: bool = False) -> None:
        super().__init__(detail or fault.sentence())
        self.fault = fault
        self.final = final
