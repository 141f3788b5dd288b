"""Labelled messages for training and measuring."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

INFORMATIONAL = ("task_order", "unplanned_inspection", "pledge", "shadow_document")


def load(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Every line that parses; `at` becomes a datetime, `labels` a set without "none"."""
    messages = []
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                message = json.loads(line)
                message["at"] = datetime.fromisoformat(message["at"]) if message.get("at") else None
                message["labels"] = set(message["labels"]) - {"none"}
                messages.append(message)
    return messages
