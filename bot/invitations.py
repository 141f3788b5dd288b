"""Links that make an account: said once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from handlers.events import InvitationMade

ROLES: Mapping[str, str] = {"office": "机制办", "unit": "单位管理员", "group": "群管理员"}


def hash_of(token: str) -> str:
    """What is kept of a link or a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def problem_of(role: str, unit: str, groups: tuple[str, ...]) -> str:
    """What is missing, in a sentence."""
    if role not in ROLES:
        return "角色应是 office（机制办）、unit（单位管理员）或 group（群管理员）。"
    if role == "unit" and not unit:
        return "单位管理员要写明是哪个单位。"
    if role == "group" and not groups:
        return "群管理员要写明管理哪些群。"
    if role == "group" and unit:
        return "群管理员只按群授权，不用写单位；要管一个单位的全部群，请选单位管理员。"
    if role != "group" and groups:
        return "机制办和单位管理员不用写群。"
    return ""


def invitation(by: str, at: datetime, days: int, **whom: Any) -> tuple[str, InvitationMade]:
    """The link's secret part, which is in nothing that is kept, and the event that makes it count."""
    token = secrets.token_urlsafe(24)
    link = hash_of(token)
    return token, InvitationMade(id=f"invite:{link}", at=at, link=link, by=by, until=at + timedelta(days=days), **whom)
