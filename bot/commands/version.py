"""`qingqun version`."""

from __future__ import annotations

import argparse
from importlib.metadata import version

from config.settings import Settings

NEEDS_STORE = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    print(f"qingqun {version('qingqun')}")
    return 0
