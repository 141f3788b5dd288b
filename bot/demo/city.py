"""演示数据: an invented county, its people and its groups; nobody and no place in here is real."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    id: str
    name: str
    unit: str
    post: str
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group. Days count back from today: founded, last work message, ended; `pace` is messages a working day.

    `owner` is a person of the county, "none" for a group without one.
    """

    id: str
    name: str
    unit: str
    members: tuple[str, ...]
    owner: str = ""
    kind: str = "综合"
    purpose: str = ""
    channel: str = "playground"
    founded: int = 220
    quiet: int = 0
    pace: float = 0.5
    receipts: float = 0.2
    ends: int | None = None
    dissolved: int | None = None


# unit → (post, surname form) of everybody in it, in the order of the register.
UNITS: dict[str, tuple[tuple[str, str], ...]] = {
    "青石县机制办": (("主任", "老梁"), ("综合岗", "小郑")),
    "青石县应急局": (("值班室", "小程"), ("减灾股", "小曹")),
    "青石县水利局": (("河长办", "小沈"), ("工程股", "小曾")),
    "青石县民政局": (("社会救助股", "小彭"), ("养老服务股", "小吕")),
    "青石县教育局": (("基教股", "小苏"),),
    "青石县农业农村局": (("产业股", "小卢"), ("人居环境股", "小蒋")),
    "柳湾镇": (("镇长", "老蔡"), ("副镇长", "老贾")),
    "柳湾镇党政办": (("主任", "小李"), ("文书", "小王"), ("信息员", "小张")),
    "柳湾镇应急办": (("主任", "小刘"),),
    "柳湾镇农业农村办": (("主任", "小陈"), ("农技员", "小杨")),
    "柳湾镇社会事务办": (("主任", "小赵"), ("民政员", "小黄")),
    "白沙镇党政办": (("主任", "小周"), ("文书", "小吴")),
    "白沙镇综合办": (("主任", "小徐"), ("统计员", "小孙")),
    "柳湾村": (("村支书", "老胡"), ("文书", "小朱")),
    "上河村": (("村支书", "老高"), ("文书", "小林")),
    "石桥村": (("村支书", "老何"), ("文书", "小郭")),
    "青松村": (("村支书", "老马"), ("文书", "小罗")),
    "东坪村": (("村支书", "老宋"), ("文书", "小谢")),
    "南岭社区": (("书记", "老韩"), ("网格员", "小唐")),
    "白沙村": (("村支书", "老冯"), ("文书", "小于")),
    "渡口村": (("村支书", "老董"), ("文书", "小袁")),
}
# What is under what, unless the settings say otherwise.
BELOW: dict[str, list[str]] = {
    "柳湾镇": [
        "柳湾镇党政办", "柳湾镇应急办", "柳湾镇农业农村办", "柳湾镇社会事务办",
        "柳湾村", "上河村", "石桥村", "青松村", "东坪村", "南岭社区",
    ],
    "白沙镇": ["白沙镇党政办", "白沙镇综合办", "白沙村", "渡口村"],
}  # fmt: skip
VILLAGES = ("柳湾村", "上河村", "石桥村", "青松村", "东坪村", "南岭社区")


def _people() -> tuple[Figure, ...]:
    found: list[Figure] = []
    for unit, members in UNITS.items():
        for post, name in members:
            role = "office" if unit == "青石县机制办" else ""
            found.append(Figure(id=f"p{len(found) + 1:02d}", name=f"演示·{name}", unit=unit, post=post, role=role))
    return tuple(found)


PEOPLE = _people()
BY_NAME = {one.name.split("·")[1]: one.id for one in PEOPLE}


def of(*units: str) -> tuple[str, ...]:
    """Everybody of these units, in the order of the register."""
    return tuple(one.id for one in PEOPLE if one.unit in units)


def named(*names: str) -> tuple[str, ...]:
    return tuple(BY_NAME[name] for name in names)


TOWN = of("柳湾镇", "柳湾镇党政办", "柳湾镇应急办", "柳湾镇农业农村办", "柳湾镇社会事务办")
CADRES = of(*VILLAGES)
WHITE = of("白沙镇党政办", "白沙镇综合办", "白沙村", "渡口村")
CLERKS = named("小朱", "小林", "小郭", "小罗", "小谢", "小唐")


def _group(number: int, name: str, unit: str, owner: str, members: tuple[str, ...], **more: object) -> Place:
    first = BY_NAME.get(owner, "")
    everybody = tuple(dict.fromkeys((*((first,) if first else ()), *members)))
    return Place(id=f"g{number:02d}", name=name, unit=unit, owner=owner, members=everybody, **more)  # type: ignore[arg-type]


LIU, YING, NONG, SHE = "柳湾镇党政办", "柳湾镇应急办", "柳湾镇农业农村办", "柳湾镇社会事务办"
GROUPS: tuple[Place, ...] = (
    _group(1, "柳湾镇工作群", LIU, "小李", TOWN + CADRES, pace=1.6, purpose="全镇日常工作"),
    _group(2, "柳湾镇应急值守群", YING, "小刘", TOWN + named("老胡", "老高", "老何", "老马", "老宋", "老韩", "小程"),
           kind="业务", quiet=48, pace=0.3, purpose="防汛、森林防火值守"),
    _group(3, "柳湾镇农业农村工作群", NONG, "小陈", CADRES + named("小杨", "老贾", "小卢"), kind="业务", pace=0.9),
    _group(4, "柳湾镇民政工作群", SHE, "小赵", CLERKS + named("小黄", "小彭"), kind="业务", pace=0.6),
    _group(5, "青石县政务信息群", "青石县机制办", "小郑", named("老梁", "小李", "小张", "小周", "小吴", "小程",
           "小沈", "小彭"),
           kind="业务", pace=0.7),
    _group(6, "白沙镇工作群", "白沙镇党政办", "小周", WHITE, pace=0.9),
    _group(7, "青石县河长制联络群", "青石县水利局", "小沈", named("小曾", "老贾", "小陈", "小周", "老胡", "老高",
           "老冯"),
           kind="议事协调机构", pace=0.4),
    _group(8, "青石县减负专项工作群", "青石县机制办", "老梁", named("小郑", "小李", "小周", "小彭", "小卢"),
           kind="议事协调机构", pace=0.4),
    _group(9, "柳湾镇工作群（新）", LIU, "小王", tuple(one for one in TOWN + CADRES if one not in named("老蔡",
           "小杨")),
           founded=90, pace=0.4, purpose="全镇日常工作"),
    _group(10, "柳湾镇人居环境整治群", "青石县农业农村局", "小蒋",
           named("老贾", "小陈", "老胡", "老高", "老何", "老马", "老宋", "老韩"), kind="业务", quiet=44),
    _group(11, "柳湾镇秸秆禁烧群", NONG, "小陈", CLERKS + named("小杨", "小蒋"), kind="业务", quiet=112),
    _group(12, "青石县水利项目前期群", "青石县水利局", "小曾", named("小沈", "小陈", "小徐", "老董"), kind="业务",
           quiet=101),
    _group(13, "人口抽样回头看群", "白沙镇综合办", "小孙", named("小徐", "小于", "小袁", "小罗"), kind="业务",
           quiet=196),
    _group(14, "柳湾镇招商对接群", LIU, "小张", named("老蔡", "老贾", "小卢"), kind="业务", pace=0),
    _group(15, "柳湾镇志愿服务群", SHE, "none", CLERKS + named("小黄"), kind="业务", pace=0.2),
    _group(16, "冬季用煤用气排查临时群", YING, "小刘", CADRES + named("老贾"), kind="临时", founded=120, quiet=38,
           ends=41,
           pace=0.6, purpose="一次性排查"),
    _group(17, "村文书通知群", LIU, "小王", CLERKS, kind="业务", pace=0.12, receipts=14.0),
    _group(18, "柳湾镇宣传信息群", LIU, "小张", CLERKS + named("小李"), kind="业务", pace=0.3),
    _group(19, "柳湾镇水库移民群", SHE, "小黄", named("小赵", "老何", "小郭"), kind="业务", founded=52, pace=0.3),
    _group(20, "白沙镇河道保洁群", "白沙镇综合办", "小徐", named("小孙", "老冯", "老董", "小袁"), kind="业务",
           quiet=33),
    _group(21, "青石县助学工作群", "青石县教育局", "小苏", named("小赵", "小徐", "小彭"), kind="业务", founded=42,
           pace=0.25),
    _group(22, "柳湾镇通讯录群", LIU, "小李", TOWN, channel="wechaty", pace=0.2),
    _group(23, "柳湾镇冬修水利群", NONG, "小陈", CADRES, channel="wechaty", kind="业务", quiet=92),
    _group(24, "青石县救灾物资群", "青石县应急局", "小曹", named("小程", "小刘", "小周"), channel="wechaty",
           kind="业务", pace=0.3),
    _group(25, "白沙镇备汛联络群", "白沙镇综合办", "小孙", named("小徐", "老冯", "小于", "老董"), kind="业务", quiet=95),
    _group(31, "柳湾镇移民工作群", SHE, "小黄", named("小赵", "老何", "小郭"), kind="业务", quiet=180, dissolved=70),
    _group(32, "美丽庭院评比群", NONG, "小杨", CLERKS, kind="业务", quiet=150, dissolved=64),
    _group(33, "环境日报群", LIU, "小王", CLERKS + named("小李"), kind="业务", quiet=80, dissolved=62),
    _group(34, "安全随手拍群", YING, "小刘", CADRES, kind="业务", quiet=110, dissolved=47),
    _group(35, "学习打卡群", LIU, "小张", TOWN, kind="业务", quiet=160, dissolved=33),
    _group(36, "防返贫数据核对临时群", NONG, "小陈", CLERKS, kind="临时", quiet=70, ends=80, dissolved=26),
    _group(37, "白沙镇迎检群", "白沙镇党政办", "小吴", WHITE, kind="临时", quiet=40, ends=45, dissolved=19),
    _group(38, "会议接龙群", LIU, "小王", TOWN + CADRES, kind="业务", quiet=30, dissolved=12, receipts=3.0),
    # Goes on as g21.
    _group(39, "青石县资助政策群", "青石县教育局", "小苏", named("小赵", "小徐", "小彭"), kind="业务", pace=0.25, dissolved=40),
)  # fmt: skip

# What only the register knows: name, unit, kind, matter, days since its last work message (None: not filled in).
REGISTERED: tuple[tuple[str, str, str, str, int | None], ...] = (
    ("青石县创卫指挥部联络群", "青石县民政局", "议事协调机构", "创建卫生县城指挥部（已撤销）", 20),
    ("青石县养老机构通知群", "青石县民政局", "业务", "", None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An app or account; `updated` counts days back from today, None where the register does not tell."""

    name: str
    unit: str
    kind: str
    updated: int | None
    functions: str
    active: int
    filing: str = ""


APPS: tuple[Program, ...] = (
    Program(name="青石政务通", unit="青石县机制办", kind="APP", updated=12, functions="办事查询、预约、投诉", active=5200,
            filing="青备2026-001"),
    Program(name="青石掌上办", unit="青石县民政局", kind="小程序", updated=20, functions="办事查询、预约、投诉", active=640,
            filing="青备2026-002"),
    Program(name="柳湾微讯", unit="柳湾镇党政办", kind="公众号", updated=6, functions="信息发布", active=1900,
            filing="青备2026-003"),
    Program(name="青石随手拍", unit="青石县应急局", kind="小程序", updated=134, functions="上报、积分", active=35),
    Program(name="白沙镇发布", unit="白沙镇党政办", kind="公众号", updated=75, functions="信息发布", active=120,
            filing="青备2026-005"),
    Program(name="学习小站", unit="青石县教育局", kind="APP", updated=9, functions="课程、学习时长、打卡", active=820,
            filing="青备2026-006"),
    Program(name="河长助手", unit="青石县水利局", kind="小程序", updated=15, functions="巡河记录", active=18,
            filing="青备2026-007"),
    Program(name="青石助农", unit="青石县农业农村局", kind="快应用", updated=None, functions="供求信息", active=210,
            filing="青备2026-008"),
    Program(name="青石救灾之声", unit="青石县应急局", kind="视频号", updated=410, functions="信息发布", active=60,
            filing="青备2026-009"),
)  # fmt: skip
# Accounts whose unit gave their record: days since the last entry.
FEEDS: dict[str, int] = {"白沙镇发布": 61}
SUGGESTED: tuple[tuple[str, str], ...] = (
    ("小李", "柳湾镇党政办主任、群主：发通知，看人数和小结"),
    ("小朱", "柳湾村文书：点一下确认，看“我的待确认”"),
    ("老贾", "副镇长：刚发了一条不当要求，看悄悄提醒"),
    ("小陈", "镇农业农村办主任、群主：每周一条清理建议，定群的去留"),
    ("小郑", "县机制办：复核申诉，看全县清理报告"),
)
