"""The pages that need no sign-in, and a list of all the others."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from bot.bus.jetstream import ASIDE_DAYS
from bot.house import House
from bot.web import (
    acknowledge,
    cleanup,
    dashboard,
    invite,
    mine,
    office,
    office_accounts,
    office_audit,
    office_cleanup,
    office_data,
    office_import,
    office_inventory,
    office_invitations,
    office_notices,
    office_register,
    oidc,
    rows,
    signin,
)
from bot.web.templates import render
from config.settings import Settings
from storage.retention import ACCOUNT_DAYS, DRAFT_DAYS

PARTS = (
    acknowledge, mine, cleanup, office, dashboard, rows, office_notices, office_inventory, office_cleanup,
    office_invitations, signin, invite, office_accounts, office_audit, oidc,
    office_register, office_import, office_data,
)  # fmt: skip


def routes(house: House) -> list[BaseRoute]:
    async def landing(request: Request) -> Response:
        return HTMLResponse(render("landing.html", request, house=house))

    async def privacy(request: Request) -> Response:
        told = {"rows": kept(house.settings), "audit_days": house.settings.retention.audit_days}
        return HTMLResponse(render("privacy.html", request, house=house, **told))

    return [
        Route("/", landing),
        Route("/privacy", privacy),
        *(route for part in PARTS for route in part.routes(house)),
    ]


def kept(settings: Settings) -> list[tuple[str, str, str]]:
    """What is stored, for how long, what for; the numbers are those of the settings."""
    keep = settings.retention
    rows = [
        ("通知正文、名单与确认记录", f"{keep.notice_days} 天", "给发起人人数，给本人“我的待确认”"),
        ("提示的词句、依据与校验码", f"{settings.flags.keep_days} 天，之后只留类别和单位", "本人申诉、机制办复核"),
        ("申诉时本人同意附上的原文", f"{settings.flags.keep_days} 天", "机制办复核这一件"),
        ("按群按日的消息条数", f"{keep.activity_days} 天", "每周清单；不含内容"),
        ("群名称、成员姓名与单位", "群在册期间", "确认名单、清单"),
        ("清理事项和每一步的记录", "长期（销号台账）", "谁在何时凭什么办的；不含消息内容"),
        ("“有用吗”评价", "本季度内留加密校验码（不存姓名，时间只到周），季度结束即删，只留汇总数", "满 5 人才显示汇总，不作判定"),
        ("本季度问过谁要不要评价", "季度结束即删", "每人每季度最多问一次；不含是否作答"),
        ("账号更新记录文件里的日期", "直到重新导入", "判断多久没有更新；不含内容"),
        ("机制办账号的姓名、登录名、密码校验值", "停用后仍留存，供核对记录", "登录；不保存电话和证件号"),
        ("发给本人的“我的事项”链接", f"{settings.link_days} 天后失效", "拿到链接的人可以代点确认，请不要转发"),
        ("待发和已发的卡片", "发出后 30 天", "重发、更新卡片；不含群聊内容"),
        ("设备与本人的绑定（浏览器记号的校验值）", "到本人在页面上解除", "在群卡片的页面里一点即确认"),
        ("登录状态、输错密码的次数", "1 天", "防止猜密码；登录名和地址只存不可还原的校验值"),
        ("谁查阅了个人信息", f"{keep.audit_days} 天", "网络安全法要求不少于六个月；机制办自己可看"),
        ("台账、每一格的修改历史", "长期（台账档案）", "谁在何时改了什么；应本人要求删除时去掉姓名、电话"),
        ("台账导入文件的内容与结果", f"没有确认的 {DRAFT_DAYS} 天，每行去向 {ACCOUNT_DAYS} 天", "先看差异再写入；有据可查"),
        ("删除个人信息的回执", "长期", "只有散列，不含是谁"),
        ("事件去重记录", f"{keep.claim_days} 天", "同一消息只处理一次；不含内容"),
        ("运行日志", f"{keep.log_days} 天", "网络安全法要求不少于六个月；不含消息正文"),
    ]
    if settings.bus != "memory":
        rows.append(("等待处理的消息（在事件通道里）", "处理完即删，通常几秒", "数据库忙或停机时不丢消息；带密级标志的只留标志"))
        rows.append(("读不懂的事件（格式不对）", f"{ASIDE_DAYS} 天", "查明原因；只有系统管理员能在服务器上看到"))
    if settings.channels.playground.enabled:
        days = settings.channels.playground.keep_days
        rows.append(("试用台里的会话", f"{days} 天", "试用台自身就是聊天平台，需要显示历史消息"))
    return rows
