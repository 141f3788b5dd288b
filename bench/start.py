"""Start to ready, memory at rest, package size, a cold `qingqun check`; beside a bare Python and a bare uvicorn.

    python bench/start.py [--rounds 5] [--rest 5] [--json FILE] [--markdown [PAGE]]

Every round starts each of them once, in turn; ready is the line that names the address. The database is there already
except where it says so. Memory at rest is that of the process (resident, and its own part of it) so many seconds later.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import report, running
from bench.report import Found

TEXT = "请各村今天下班前报送入户照片截图，未完成的全县通报排名。"
PYTHON, ROUTE, FIRST, AGAIN, CHECK = "空的 Python", "裸路由（uvicorn）", "轻群：首次启动（建库）", "轻群：再次启动", "qingqun check（冷）"


def timed(command: list[str], folder: Path) -> Found:
    environ = {**os.environ, "PYTHONPATH": str(running.ROOT)}
    began = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, cwd=folder, env=environ, check=True)
    return {"seconds": time.perf_counter() - began}


def started(folder: Path, rest: float) -> Found:
    began = time.perf_counter()
    with running.bot(folder) as process:
        seconds = time.perf_counter() - began
        return {"seconds": seconds, **memory(process, rest)}


def routed(folder: Path, rest: float) -> Found:
    began = time.perf_counter()
    with running.route(folder, "sqlite", "each") as process:
        seconds = time.perf_counter() - began
        return {"seconds": seconds, **memory(process, rest)}


def memory(process: running.Process, rest: float) -> Found:
    time.sleep(rest)
    return {"resident": process.resident(), "own": process.own()}


def wheel(folder: Path) -> Found:
    """Of the tree as it is."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=running.ROOT, stdout=subprocess.DEVNULL, check=True)
    (built,) = folder.glob("*.whl")
    return {"megabytes": built.stat().st_size / 1e6}


def markdown(found: Found) -> str:
    base = found["middle"][PYTHON]["seconds"]
    rows = []
    for label, told in found["middle"].items():
        cells = [f"{told[name]:.0f}" if name in told else "—" for name in ("resident", "own")]
        rows.append([label, f"{told['seconds']:.2f}", f"{told['seconds'] / base:.1f}", *cells])
    head = f"从启动到就绪（或做完） | 秒 | ÷ 空的 Python | {found['rest']:.0f} 秒后内存 MB | 其中独占 MB"
    return f"{report.table(head, rows)}\n\n安装包（wheel，不含依赖）{found['wheel']['megabytes']:.1f} MB。"


def main() -> None:
    parser = report.options(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rest", type=float, default=5.0, help="seconds")
    given = parser.parse_args()
    parts: dict[str, list[Found]] = {name: [] for name in (PYTHON, ROUTE, FIRST, AGAIN, CHECK)}
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory(prefix=f"start-{number}-") as name:
            folder = Path(name)
            parts[PYTHON].append(timed(["-c", "pass"], folder))
            parts[ROUTE].append(routed(folder, given.rest))
            parts[FIRST].append(started(folder, given.rest))
            parts[AGAIN].append(started(folder, given.rest))
            parts[CHECK].append(timed(["-m", "bot", "check", "--data", str(folder / "data"), TEXT], folder))
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        built = wheel(Path(name))
    found: Found = {"rest": given.rest, "wheel": built}
    found["middle"] = {label: report.middle(every) for label, every in parts.items()}
    found["parts"] = parts
    report.tell(given, "start", found, markdown)


if __name__ == "__main__":
    main()
