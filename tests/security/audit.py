"""`make audit`: pip-audit over what the locks pin, told apart: nothing known, something known, or nobody could be asked.

Exit status 0: every package was looked up and nothing is known, or no advisory service answers (a sentence says so);
1: something is known. pip-audit alone would call a package that it could not look up “no known vulnerability”.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNREACHABLE = "漏洞公告查不到（连不上公告服务，或它不认识这些包）：本次没有审计，请在能联网的机器上运行 make audit。"


def looked_up(program: str, lock: Path) -> dict[str, list[dict[str, object]]]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit.json"
        subprocess.run(
            [program, "--requirement", str(lock), "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "5",
             "--format", "json", "--output", str(report)],
            check=False, capture_output=True, timeout=600,
        )  # fmt: skip
        try:
            told: dict[str, list[dict[str, object]]] = json.loads(report.read_text())
        except (OSError, ValueError):
            return {"dependencies": []}
        return told


def judged(told: dict[str, list[dict[str, object]]]) -> tuple[int, str]:
    asked = told.get("dependencies", [])
    known = [one for one in asked if one.get("vulns")]
    skipped = [str(one["name"]) for one in asked if "skip_reason" in one]
    if known:
        listed = "；".join(f"{one['name']} {one.get('version')}: {[v['id'] for v in one['vulns']]}" for one in known)  # type: ignore[attr-defined]
        return 1, f"已知漏洞：{listed}。请升级后运行 make lock。"
    if not asked or len(skipped) == len(asked):
        return 0, UNREACHABLE
    if skipped:
        return 1, f"有 {len(skipped)} 个包没有查到：{'、'.join(skipped[:10])}。"
    return 0, f"{len(asked)} 个包都已查询，没有已知漏洞。"


def main(program: str) -> int:
    worst = 0
    for name in ("requirements.lock", "requirements-dev.lock"):
        status, sentence = judged(looked_up(program, ROOT / name))
        print(f"{name}：{sentence}")
        worst = max(worst, status)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "pip-audit"))
