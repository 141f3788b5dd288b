"""The bill of materials (CycloneDX 1.5, JSON) of what requirements.lock pins: `python docs/sbom.py dist/sbom.json`.

Read from the lock alone, so that it can be made where no registry answers; the same lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$")
HASH = re.compile(r"--hash=sha256:(?P<hash>[0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            name = re.sub(r"[-_.]+", "-", pinned["name"]).lower()
            purl = f"pkg:pypi/{name}@{pinned['version']}"
            one = {"type": "library", "bom-ref": purl, "name": name, "version": pinned["version"], "purl": purl}
            one |= {"properties": [{"name": "qingqun:marker", "value": pinned["marker"]}]} if pinned["marker"] else {}
            found.append(one)
        elif found and (hashed := HASH.search(line)):
            # One for each file of the release: a wheel for each platform, and the source.
            properties = found[-1].setdefault("properties", [])
            properties.append({"name": "qingqun:sha256", "value": hashed["hash"]})
    return found


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    listed = components(lock)
    own = f"pkg:generic/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": own, "name": project["name"], "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": listed,
        "dependencies": [{"ref": own, "dependsOn": [one["bom-ref"] for one in listed]}],
    }  # fmt: skip


def main(target: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    made = bill((ROOT / "requirements.lock").read_text("utf-8"), project)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", "utf-8")
    print(f"{target}: {len(made['components'])} 个组件")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist/sbom.json")
