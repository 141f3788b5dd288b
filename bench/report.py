"""How a bench tells what it found: a JSON file, and a Markdown table on standard output or between its marks in a page."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

Found = dict[str, Any]


def options(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--markdown", type=Path, nargs="?", const=Path("-"), help="print the table, or put it in this page")
    return parser


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{platform.machine()}，{os.cpu_count()} 核，{memory:.0f} GB 内存，Python {platform.python_version()}"


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """`head` names the columns, parted by |; all but the first are figures."""
    names = [name.strip() for name in head.split("|")]
    lines = [names, ["---", *["--:"] * (len(names) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tell(given: argparse.Namespace, name: str, found: Found, markdown: Callable[[Found], str]) -> None:
    """The table comes from what was measured, so a JSON file of another day can be told again."""
    found = {"bench": name, "date": date.today().isoformat(), "machine": machine(), "load": os.getloadavg()[0], **found}
    if given.json:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    load = f"测完时负载 {found['load']:.1f}"
    text = f"`bench/{name}.py`，{found['date']}，{found['machine']}，{load}。\n\n{markdown(found)}"
    if given.markdown is None or given.markdown == Path("-"):
        print(text)
    else:
        put(given.markdown, name, text)


def put(page: Path, name: str, text: str) -> None:
    """Between the marks of this bench; what people wrote around them stays."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = page.read_text("utf-8")
    marked = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if not marked.search(old):
        sys.exit(f"{page} 里没有 {begin} … {end}")
    page.write_text(marked.sub(lambda _: f"{begin}\n{text.rstrip()}\n{end}", old), encoding="utf-8")


def middle(parts: Sequence[Found]) -> Found:
    """The median of every figure over the parts that were measured in turn."""
    return {name: statistics.median(part[name] for part in parts) for name in parts[0]}


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
