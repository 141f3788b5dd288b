"""Signed words: acknowledge links, personal pages, bearer tokens, hashes; nobody can make or alter one without the secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

from config.settings import Settings, SettingsError
from handlers.rules.units import subtree

SECRET_BYTES = 32
DAY = 86_400


class Daily(TimestampSigner):
    """Two links of one person on one day are one address; a message names each page once."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() // DAY * DAY


class LinkError(ValueError):
    """A link or token that is not ours, was altered or is too old; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token or an account stands for: the office, a unit's admin, or the admin of groups.

    An admin's `groups` are keys or ids. `unit` limits an office or a unit's admin to it and what is under it (`units`).
    """

    role: Literal["office", "unit", "admin"]
    name: str
    groups: tuple[str, ...] = ()
    # Several tokens made in the same way stand for the same sender.
    id: str = field(default="")
    unit: str = ""
    units: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        return self.role == "office" and self.units is None

    @property
    def scope(self) -> str:
        """As the audit log has it; empty: everything."""
        return self.unit or ",".join(self.groups)


def secret_of(settings: Settings, data: Path) -> str:
    """The configured secret, or the one in `data/secret`, made on first use (readable by the owner only)."""
    given = settings.secret.get_secret_value()
    if given:
        if len(given) < 16:
            raise SettingsError("secret 太短，至少 16 个字符。也可以留空，由程序自动生成。")
        return given
    path = data / "secret"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"secret.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(SECRET_BYTES), encoding="ascii")
        try:
            # Whoever links first wins: two processes that start at once share one secret.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii").strip()


class Links:
    def __init__(
        self, secret: str, base_url: str, token_days: int, below: Mapping[str, Sequence[str]] | None = None,
        link_days: int = 90,
    ) -> None:  # fmt: skip
        """`below` is which units are under which; `link_days` is how long a page of one's own opens by one link."""
        self.base_url = base_url.rstrip("/")
        self._below = below or {}
        self._key = hashlib.sha256(b"blind:" + secret.encode()).digest()
        self._token_days = token_days
        options: dict[str, Any] = {"signer_kwargs": {"key_derivation": "hmac", "digest_method": hashlib.sha256}}
        self._notice = URLSafeSerializer(secret, salt="notice", **options)
        self._voters = hmac.new(secret.encode(), b"ratings", hashlib.sha256).digest()
        self._link_seconds = link_days * DAY
        self._mine = URLSafeTimedSerializer(secret, salt="mine", signer=Daily, **options)
        self._cleanup = URLSafeTimedSerializer(secret, salt="cleanup", signer=Daily, **options)
        self._bearer = URLSafeTimedSerializer(secret, salt="bearer", **options)
        self._session = URLSafeTimedSerializer(secret, salt="session", **options)
        self._flow = URLSafeTimedSerializer(secret, salt="oidc", **options)

    def notice_token(self, notice: str, person: str) -> str:
        return str(self._notice.dumps([notice, person]))

    def notice_url(self, notice: str, person: str) -> str:
        return f"{self.base_url}/n/{self.notice_token(notice, person)}"

    def read_notice(self, token: str) -> tuple[str, str]:
        """(notice, person) of an acknowledge link."""
        notice, person = _read(self._notice, token, 2)
        return str(notice), str(person)

    def mine_url(self, person: str) -> str:
        return f"{self.base_url}/mine/{self._mine.dumps([person])}"

    def read_mine(self, token: str) -> str:
        return str(_read(self._mine, token, 1, self._link_seconds)[0])

    def cleanup_url(self, person: str) -> str:
        return f"{self.base_url}/cleanup/{self._cleanup.dumps([person])}"

    def read_cleanup(self, token: str) -> str:
        return str(_read(self._cleanup, token, 1, self._link_seconds)[0])

    def voter(self, round_: str, subject: str, person: str) -> str:
        """Who answers, as a hash that differs by subject and round and that only the secret's holder can make again."""
        told = "\n".join((round_, subject, person)).encode()
        return hmac.new(self._voters, told, hashlib.sha256).hexdigest()[:32]

    def bearer(self, role: str, name: str, groups: tuple[str, ...], unit: str = "") -> str:
        return str(self._bearer.dumps([role, name, list(groups), *([unit] if unit else [])]))

    def read_bearer(self, token: str) -> Bearer:
        try:
            role, name, groups, *unit = self._bearer.loads(token, max_age=self._token_days * DAY)
        except SignatureExpired:
            raise LinkError("令牌已过期，请重新运行 qingqun token 生成。") from None
        except (BadData, ValueError, TypeError):
            raise LinkError("令牌无效，请核对是否完整，或重新运行 qingqun token 生成。") from None
        sender = hashlib.sha256(repr((role, name, groups, *unit)).encode()).hexdigest()[:12]
        return self.holder(role, name, tuple(groups), f"token:{sender}", *unit)

    def holder(self, role: Any, name: str, groups: tuple[str, ...], id: str, unit: str = "") -> Bearer:
        """Whoever this is, with the units that they may see."""
        return Bearer(role, name, groups, id, unit, subtree(unit, self._below) if unit else None)

    def blind(self, what: str) -> str:
        """A hash that nobody without the secret can find the word of, not even by trying all there are."""
        return hmac.new(self._key, what.encode(), hashlib.sha256).hexdigest()

    def csrf(self, cookie: str) -> str:
        """What every form of this session carries; another site cannot know it."""
        return self.blind(f"csrf:{cookie}")[:32]

    def flow(self, *words: str) -> str:
        """What a browser keeps while its reader is away at a single sign-on."""
        return str(self._flow.dumps(list(words)))

    def read_flow(self, value: str, seconds: int) -> list[str]:
        """LinkError when it is not ours or too old."""
        try:
            return [str(one) for one in self._flow.loads(value, max_age=seconds)]
        except (BadData, ValueError, TypeError):
            raise LinkError("登录已超时，请回到登录页重新开始。") from None

    def session(self, kind: str, who: str) -> str:
        """A cookie's value: `kind` tells pages apart (office, playground), `who` is a bearer token or a person."""
        return str(self._session.dumps([kind, who]))

    def read_session(self, value: str, kind: str) -> str:
        try:
            found, who = self._session.loads(value, max_age=self._token_days * DAY)
        except (BadData, ValueError, TypeError):
            raise LinkError("登录已失效，请重新登录。") from None
        if found != kind:
            raise LinkError("登录已失效，请重新登录。")
        return str(who)


def _read(serializer: URLSafeSerializer | URLSafeTimedSerializer, token: str, length: int, seconds: int = 0) -> list[Any]:
    try:
        timed = isinstance(serializer, URLSafeTimedSerializer)
        values = serializer.loads(token, max_age=seconds) if timed else serializer.loads(token)
    except SignatureExpired:
        raise LinkError("链接已过期，请私下发“我的待确认”给机器人，或打开最近一条消息里的链接。") from None
    except BadData:
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise LinkError("链接无效或不完整，请回到群里重新打开卡片。")
    return values
