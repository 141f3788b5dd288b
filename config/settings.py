"""Settings: `qingqun.toml`, then environment `QINGQUN_…`, then flags; an unknown key stops the start."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

TIMEZONE = ZoneInfo("Asia/Shanghai")
PREFIX = "QINGQUN_"
# Read by the test suite, never by the bot.
TEST_PREFIX = "QINGQUN_TEST_"
SECRET_FILE_SUFFIX = "_FILE"  # noqa: S105 - the name's ending, not a secret


class SettingsError(ValueError):
    """A setting that cannot be used; the message is a Chinese sentence that names the key and what to do."""


class Section(BaseModel):
    """A table of qingqun.toml; a key nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaygroundSettings(Section):
    enabled: bool = Field(True, description="网页试用台（也可作小单位的正式渠道）")
    keep_days: int = Field(180, ge=1, description="试用台会话保留天数")


class WechatySettings(Section):
    endpoint: str = Field("", description="Wechaty puppet 网关地址，如 127.0.0.1:18788；留空即不启用")
    token: SecretStr = Field(SecretStr(""), description="网关令牌（可用环境变量 QINGQUN_CHANNELS__WECHATY__TOKEN_FILE 指向文件）")
    tls: bool = Field(False, description="网关是否使用 TLS")
    ca_file: Path | None = Field(None, description="TLS 根证书文件")
    sends_per_minute: int = Field(40, ge=1, description="整个账号每分钟最多发出的消息数")
    room_sends_per_minute: int = Field(8, ge=1, description="每个群每分钟最多发出的消息数")


class ChannelsSettings(Section):
    playground: PlaygroundSettings = PlaygroundSettings()
    wechaty: WechatySettings = WechatySettings()


class WorkSettings(Section):
    start: time = Field(time(8, 0), description="工作时间开始（北京时间）")
    end: time = Field(time(18, 0), description="工作时间结束（北京时间）")
    days: dict[date, bool] = Field({}, description="日历修正：日期 = true 上班 / false 放假，优先于内置调休表")


class AcknowledgeSettings(Section):
    senders: list[str] = Field([], description="除群主、管理员外，可以发起确认的人员编号")
    undo_minutes: int = Field(5, ge=0, description="确认后可撤销的分钟数")
    revise_seconds: float = Field(5, ge=0, description="同一卡片两次更新之间至少间隔的秒数")
    summary_at: float = Field(0.8, gt=0, le=1, description="达到该比例时给发起人一次小结")
    open_days: int = Field(7, ge=1, description="没有写明截止时间的通知开放确认的天数")
    join_hours: int = Field(24, ge=0, description="相同内容在多少小时内转发到其他群算同一通知")
    remind_before_hours: float = Field(2, gt=0, description="截止前多少小时私下提醒未办的人（只对需办理的通知）")
    reminders_per_day: int = Field(2, ge=0, description="每人每天最多收到的提醒数，超出顺延到下一工作日")
    emergency_hours: int = Field(24, ge=1, description="应急通知自动结束的小时数")
    pending_names: Literal["emergency", "never"] = Field(
        "emergency", description="未确认名单：emergency 只在应急、安保通知中给发起人本人看；never 从不显示"
    )


class FlagSettings(Section):
    enabled: bool = Field(True, description="是否在群里私下提示不当要求")
    keep_days: int = Field(30, ge=1, description="提示片段的保留天数")
    informational: bool = Field(False, description="群内是否也提示资料类类别（群里派活、责任状等）")
    rulebooks: list[Path] = Field([], description="本单位增补的规则文件（TOML）")


class InventorySettings(Section):
    cron: str = Field("30 8 * * mon", description="每周清单生成时间（cron，北京时间）")
    watch_days: int = Field(30, ge=1, description="多少天没有工作消息列为关注（本地口径，无全国统一数字）")
    suspected_days: int = Field(90, ge=1, description="多少天没有工作消息列为疑似僵尸（本地口径）")
    dissolve_days: int = Field(180, ge=1, description="多少天没有工作消息建议解散（本地口径）")
    gap_hours: int = Field(
        24, ge=1, description="接收中断达到多少小时，中断之前的安静就不算数，结论有出入的群列为数据不足（本地口径）"
    )
    overdue_days: int = Field(15, ge=0, description="临时群任务结束多少天后仍未解散列为临时逾期（本地口径）")
    empty_grace_days: int = Field(7, ge=0, description="新建群多少天内没有消息不算空壳（本地口径）")
    overlap: float = Field(0.8, gt=0, le=1, description="成员重合率（交集/并集）达到多少列为重复（本地口径）")
    overlap_members: int = Field(3, ge=2, description="少于多少人的群不比对成员重合")
    groups_per_unit: int = Field(3, ge=0, description="每个单位工作群上限，0 为不设（鹤峰 2019 年为 3 个，本地口径）")
    unit_limits: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {},
        description='按单位或层级另定上限：单位名称或其结尾 = 个数，如 { "村" = 2, "街道" = 5 }；结尾最长的优先，0 为不设，'
        "没有列出的用 groups_per_unit（香洲、同安 2019 年为 1 个，村干部 2 个，本地口径）",
    )
    over_limit_watch: bool = Field(False, description="超过上限的群是否列为关注；默认只作提示，不改变判定")
    merge_messages: float = Field(
        50,
        ge=0,
        description="合并后有人每天要多收的工作消息超过多少条就不建议合并（本地口径；报道过合并后一天两三百条的群）",
    )
    rollcall_share: float = Field(0.8, gt=0, le=1, description="近 30 天消息中“收到”、接龙占比达到多少列为只剩接龙（本地口径）")
    rebound_days: int = Field(30, ge=1, description="解散后多少天内以原班人马重建算反弹（本地口径）")
    rebound_share: float = Field(0.8, gt=0, le=1, description="新群含原群成员的比例达到多少算反弹（本地口径）")
    move_days: int = Field(
        7, ge=0, description="新群在原群停用前后多少天内建立、人员大体相同，算改名或迁移，前后算一个群；更晚的算反弹（本地口径）"
    )
    move_share: float = Field(0.8, gt=0, le=1, description="两群共同成员占人数较多一群的比例达到多少算改名或迁移（本地口径）")
    app_days: int = Field(60, ge=1, description="政务应用程序多少天未更新列为疑似僵尸（高台县 2025 年为 2 个月）")
    account_days: int = Field(14, ge=1, description="政务新媒体多少天未更新列为疑似僵尸（14 天）")
    app_overlap: float = Field(0.6, gt=0, le=1, description="两个应用的功能重合率（交集/并集）达到多少列为同类应用（本地口径）")
    app_active_least: int = Field(0, ge=0, description="月活低于多少列为关注，0 为不判（没有官方数字，本地口径）")
    banned_functions: list[str] = Field(
        ["打卡", "签到", "积分", "时长"], description="台账“功能设置”里含有这些词的应用列为违规功能（应急、安保、值班的除外）"
    )
    basis: str = Field("", description="本地口径的依据，如《××县工作群组管理办法》（×办〔2026〕3号）；写进清单每条口径的出处")
    basis_date: date | None = Field(None, description="上述依据从哪天起执行")


class CleanupSettings(Section):
    enabled: bool = Field(True, description="是否每周把清单里需要处理的群列为清理事项并私下征求群主、管理员意见")
    leave: list[str] = Field(["watch"], description="哪些判定只看不办，不列为清理事项（watch 关注）")
    escalate_days: int = Field(14, ge=1, description="征求意见多少天没有决定，私下转到机制办的待办（不在群里提醒）")
    finish_days: int = Field(30, ge=1, description="整改时限：告知已确认后多少天没有办完，在机制办的待办里标出")
    cooling_days: int = Field(30, ge=0, description="核查后的冷静期天数，期间可以撤回，期满销号")
    look_back_days: int = Field(90, ge=1, description="销号多少天后回头看")
    keep_days: int = Field(365, ge=1, description="保留（豁免）一次最长多少天")


class ReductionSettings(Section):
    baseline: date | None = Field(None, description="精简基数的日期；留空取首周末")


class RatingSettings(Section):
    enabled: bool = Field(
        False, description="是否开放匿名的“有用吗”评价（我的事项页；试用台每人每季度最多私下问一次）；默认关闭，不打扰"
    )


class DigestSettings(Section):
    cron: str = Field("0 17 * * *", description="每个工作日下班前汇总待确认事项的时间（cron，北京时间）")


class SigninSettings(Section):
    hours: int = Field(12, ge=1, le=720, description="登录后最长多少小时要重新登录")
    idle_minutes: int = Field(60, ge=5, description="多少分钟没有操作要重新登录")
    invite_days: int = Field(7, ge=1, le=30, description="账号邀请链接的有效天数；用过一次即失效")
    password_min: int = Field(10, ge=8, le=64, description="密码最短长度；不要求大小写、符号，只拒绝常见的密码")
    free_tries: int = Field(5, ge=1, description="同一登录名输错多少次以后要等待")
    address_tries: int = Field(50, ge=1, description="同一网络地址输错多少次以后要等待（一个单位常共用一个地址）")
    first_wait_seconds: int = Field(5, ge=1, description="第一次等待的秒数，以后每错一次加倍")
    longest_wait_minutes: int = Field(15, ge=1, description="最长等待的分钟数；不永久锁定账号")


class OidcSettings(Section):
    issuer: str = Field("", description="统一身份认证（OpenID Connect）的发行方地址，如 https://sso.example.gov.cn；留空即不启用")
    client_id: str = Field("", description="在统一身份认证登记的客户端编号")
    client_secret: SecretStr = Field(
        SecretStr(""), description="客户端密钥（可用环境变量 QINGQUN_OFFICE__OIDC__CLIENT_SECRET_FILE 指向文件）"
    )
    label: str = Field("统一身份认证", min_length=1, description="登录页按钮上的名称")
    scopes: str = Field("openid profile", description="请求的 scope，须含 openid")
    name_claim: str = Field("name", description="姓名取自 id_token 的哪一项")
    role_claim: str = Field("", description="角色取自 id_token 的哪一项（文字或数组）")
    roles: dict[str, Literal["office", "unit", "group"]] = Field(
        {}, description='角色对照：值 = office 机制办、unit 单位管理员或 group 群管理员，如 { "jzb" = "office" }；不在表中的不能登录'
    )
    unit_claim: str = Field("", description="单位取自 id_token 的哪一项；机制办没有单位的看全部")
    groups_claim: str = Field("", description="群管理员的群编号取自 id_token 的哪一项（数组）")

    @model_validator(mode="after")
    def _whole(self) -> OidcSettings:
        if not self.issuer:
            return self
        if not re.fullmatch(r"https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?", self.issuer):
            raise PydanticCustomError("issuer", "issuer 应是 https:// 开头的地址")
        if not (self.client_id and self.role_claim and self.roles):
            raise PydanticCustomError("half", "启用统一身份认证要同时写 client_id、role_claim 和 roles")
        if "openid" not in self.scopes.split():
            raise PydanticCustomError("scopes", "scopes 须含 openid")
        return self


class OfficeSettings(Section):
    addressees: list[str] = Field(["各有关单位"], min_length=1, description="通报的主送机关")
    lines: dict[str, list[str]] = Field(
        {}, description="分管战线：战线 = [单位, …]；提示函每条战线一份，不在其中的单位归入“其他”，留空只写一份"
    )
    letter: Path | None = Field(None, description="提示函文稿（文本文件）；留空用自带的 config/letter.txt")
    units: dict[str, list[str]] = Field(
        {},
        description="单位层级：单位 = [直接下级单位, …]；限于一个单位的账号也看它的各级下级。名称须与建群单位一致，没有列出的只看本单位",
    )
    oidc: OidcSettings = OidcSettings()

    @field_validator("lines")
    @classmethod
    def _one_line_each(cls, lines: dict[str, list[str]]) -> dict[str, list[str]]:
        listed = [unit for units in lines.values() for unit in units]
        if twice := [unit for unit in dict.fromkeys(listed) if listed.count(unit) > 1]:
            raise PydanticCustomError("twice", "单位“{unit}”列了不止一次，每个单位只归一条战线", {"unit": twice[0]})
        return lines

    @field_validator("units")
    @classmethod
    def _one_parent_each(cls, units: dict[str, list[str]]) -> dict[str, list[str]]:
        parents: dict[str, str] = {}
        for parent, children in units.items():
            for child in children:
                if parents.setdefault(child, parent) != parent or children.count(child) > 1:
                    raise PydanticCustomError("twice", "单位“{unit}”列了不止一次，每个单位只有一个上级", {"unit": child})
        for start in parents:
            above = start
            for _ in range(len(parents) + 1):
                above = parents.get(above, "")
            if above:
                raise PydanticCustomError("circle", "单位“{unit}”成了自己的上级，请改正层级", {"unit": start})
        return units


class ReportsSettings(Section):
    fonts: list[Path] = Field([], description="PDF 用的中文字体文件或所在文件夹，先于系统字体目录；docx 不需要")


class RetentionSettings(Section):
    notice_days: int = Field(180, ge=1, description="通知正文与确认记录的保留天数")
    activity_days: int = Field(800, ge=200, description="按群按日计数的保留天数")
    claim_days: int = Field(400, ge=30, description="事件去重记录的保留天数")
    audit_days: int = Field(185, ge=180, description="个人信息查阅记录的保留天数（不少于六个月）")
    log_days: int = Field(185, ge=180, description="日志保留天数（不少于六个月，不含消息正文）")


class Settings(BaseSettings):
    """Everything that can be turned; see docs/settings.md, which a test keeps complete."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__")

    data: Path = Field(Path("data"), description="数据目录：SQLite 文件和轻群写下的一切")
    database: str = Field("", description="数据库地址；留空用数据目录里的 SQLite，或 postgresql+asyncpg://…")
    bus: str = Field("memory", pattern="^(memory|nats://.+)$", description="事件通道：memory（单机）或 nats://…")
    secret: SecretStr = Field(SecretStr(""), description="签名密钥；留空则在数据目录生成 secret 文件")
    host: str = Field("127.0.0.1", description="监听地址")
    port: int = Field(8790, ge=0, le=65535, description="监听端口")
    public_url: str = Field("", description="对外网址，用于确认链接；留空用监听地址")
    bot_name: str = Field("轻群", min_length=1, description="机器人在群里的名字")
    office_name: str = Field("整治形式主义为基层减负专项工作机制办公室", description="机制办名称，用于页面和报表")
    complaint: str = Field("", description="投诉建议联系方式，显示在页面底部")
    token_days: int = Field(365, ge=1, description="访问令牌的有效天数")
    link_days: int = Field(90, ge=1, description="私下发给本人的“我的事项”“清理事项”链接的有效天数；每张新卡片带新链接")
    upload_mb: int = Field(20, ge=1, description="导入文件的大小上限（MB）")
    channels: ChannelsSettings = ChannelsSettings()
    work: WorkSettings = WorkSettings()
    acknowledge: AcknowledgeSettings = AcknowledgeSettings()
    flags: FlagSettings = FlagSettings()
    inventory: InventorySettings = InventorySettings()
    cleanup: CleanupSettings = CleanupSettings()
    reduction: ReductionSettings = ReductionSettings()
    ratings: RatingSettings = RatingSettings()
    digest: DigestSettings = DigestSettings()
    office: OfficeSettings = OfficeSettings()
    signin: SigninSettings = SigninSettings()
    reports: ReportsSettings = ReportsSettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the merged values count: the order file < environment < flags is made by `load_settings`."""
        return (init_settings,)


def load_settings(
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this start. `config` named but absent, an unknown key or a bad value is a SettingsError."""
    environ = os.environ if environ is None else environ
    merged = _read_file(config)
    _check_keys(merged, source=str(config or "qingqun.toml"))
    for path, value in _environment(environ):
        _put(merged, path, value)
    for name, value in (flags or {}).items():
        if value is not None:
            _put(merged, name.split("."), value)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every dotted key, e.g. `acknowledge.undo_minutes`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from known_keys(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def _read_file(config: Path | None) -> dict[str, Any]:
    path = config or Path("qingqun.toml")
    if not path.is_file():
        if config is None:
            return {}
        raise SettingsError(f"找不到配置文件 {path}，请检查 --config 的路径。")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"配置文件 {path} 不是正确的 TOML：{error}。请改正后再启动。") from None


def _check_keys(values: Mapping[str, Any], source: str, prefix: str = "") -> None:
    known = set(known_keys())
    sections = {key.rsplit(".", depth)[0] for key in known for depth in range(1, key.count(".") + 1)}
    for name, value in values.items():
        key = prefix + name
        if key in known:
            continue
        if key not in sections:
            raise SettingsError(_unknown(key, source, known | sections))
        if not isinstance(value, Mapping):
            raise SettingsError(f"{source} 里的 {key} 应是一个小节（[{key}]），不是单个值。")
        _check_keys(value, source, f"{key}.")


def _unknown(key: str, source: str, known: set[str]) -> str:
    near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)
    return f"{source} 里有不认识的设置 {key}，最接近的是 {near[0]}。请改正或删去后再启动。"


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    known = set(known_keys())
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        from_file = key not in known and key.endswith(SECRET_FILE_SUFFIX.lower())
        if from_file:
            key = key.removesuffix(SECRET_FILE_SUFFIX.lower())
            value = _secret_from(Path(value), name)
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)[0]
            wanted = PREFIX + near.upper().replace(".", "__")
            raise SettingsError(f"环境变量里有不认识的设置 {name}，最接近的是 {wanted}。请改正或删去后再启动。")
        yield key.split("."), _parsed(value)


def _secret_from(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        raise SettingsError(f"{name} 指向的文件 {path} 读不出来，请检查路径和权限。") from None


def _parsed(value: str) -> Any:
    """Lists and tables come as TOML values (`["a", "b"]`, `{ 2026-10-10 = true }`); the rest is text for pydantic."""
    if value.startswith(("[", "{")):
        try:
            return tomllib.loads(f"v = {value}")["v"]
        except tomllib.TOMLDecodeError:
            return value
    return value


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"设置 {key} 的值不能用：{first['msg']}。请改正后再启动。"
