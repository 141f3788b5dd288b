"""The command line; thin."""

from __future__ import annotations

import argparse
import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.commands import COMMANDS
from config.logging import set_up_logging
from config.rulebook import RulebookError
from config.settings import Settings, SettingsError, load_settings
from storage.database import StoreError

BAD = 2


class Parser(argparse.ArgumentParser):
    """Says in Chinese what is wrong."""

    def error(self, message: str) -> Any:
        self.exit(BAD, f"{self.prog}：参数不对（{message}）。用 {self.prog} --help 查看用法。\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 (found something wrong) or 2 (bad input)."""
    argv = sys.argv[1:] if argv is None else argv
    args = _parser(argv).parse_args(argv)
    module = import_module(COMMANDS[args.command][0])
    try:
        settings = load_settings(args.config, _flags(args))
        # A process of a role logs under its own name.
        whole = args.command == "run" and args.role == "all"
        set_up_logging(settings.data if whole else None, settings.retention.log_days, _level(args))
        return _run(module, args, settings)
    except (SettingsError, RulebookError, StoreError) as error:
        print(error, file=sys.stderr)
        return BAD
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; there is nobody to tell.
        sys.stderr.close()
        return 1


def _run(module: Any, args: argparse.Namespace, settings: Settings) -> int:
    if getattr(module, "NEEDS_STORE", True):
        return asyncio.run(_with_store(module, args, settings))
    return int(module.run(args, settings))


async def _with_store(module: Any, args: argparse.Namespace, settings: Settings) -> int:
    from bot.app import make_store

    store = make_store(settings)
    await store.open()
    try:
        return int(await module.run(args, settings, store))
    finally:
        await store.close()


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    return {"data": args.data, "port": getattr(args, "port", None)}


def _level(args: argparse.Namespace) -> str:
    return "INFO" if args.command == "run" else "WARNING"


def _parser(argv: list[str]) -> Parser:
    """Every command is listed; only the one that is asked for is imported."""
    parser = Parser(prog="qingqun", description="轻群：一键确认、私下提示、每周清单。")
    commands = parser.add_subparsers(dest="command", required=True, metavar="命令", parser_class=Parser)
    for name, (module, label) in COMMANDS.items():
        command = commands.add_parser(name, help=label, description=label)
        command.add_argument("--config", type=Path, metavar="FILE", help="配置文件，默认读当前目录的 qingqun.toml")
        command.add_argument("--data", type=Path, metavar="DIR", help="数据目录，默认 data")
        if name in argv[:1]:
            import_module(module).add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
