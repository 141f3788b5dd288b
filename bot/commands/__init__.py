"""The commands, one a module: `add_arguments(parser)` and `run(args, settings, …)`; the table is here."""

from __future__ import annotations

from collections.abc import Mapping

# command → (module, what it does)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("bot.commands.run", "启动轻群"),
    "token": ("bot.commands.token", "生成一个访问令牌"),
    "invite": ("bot.commands.invite", "生成一条账号邀请链接"),
    "doctor": ("bot.commands.doctor", "体检：哪里有问题、怎么办"),
    "version": ("bot.commands.version", "显示版本"),
    "check": ("bot.commands.check", "检查一条消息有没有不当要求"),
    "rules": ("bot.commands.rules", "检验规则，或旁路试判改过的规则"),
    "replay": ("bot.commands.replay", "重放事件文件"),
    "import": ("bot.commands.import_", "导入工作群或政务应用台账"),
    "backup": ("bot.commands.backup", "在线备份到一个文件"),
    "restore": ("bot.commands.restore", "从备份恢复"),
    "migrate": ("bot.commands.migrate", "把 SQLite 数据迁移到 PostgreSQL"),
    "inventory": ("bot.commands.inventory", "输出每周清单"),
    "export": ("bot.commands.export", "用开放格式导出全部数据，或一个人的资料"),
    "erase": ("bot.commands.erase", "应本人要求删除其全部资料，给出回执"),
}
