"""The OpenAPI description of the JSON API, as one table."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from handlers.rules.cleanup import STATES

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}


def _object(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


SPAN = _object(
    ("category", "rule", "start", "end", "text", "clause", "why", "suggestion"),
    category=TEXT, rule=TEXT, start=WHOLE, end=WHOLE, text=TEXT, clause=TEXT, why=TEXT, suggestion=TEXT,
)  # fmt: skip
STANDING = _object(
    ("id", "audience", "acknowledged", "pending", "via", "state"),
    id=TEXT, audience=WHOLE, acknowledged=WHOLE, pending=WHOLE,
    via=_object(("card", "link", "typed"), card=WHOLE, link=WHOLE, typed=WHOLE),
    state={"enum": ["open", "complete", "closed", "cancelled"]},
)  # fmt: skip
LISTED = _object(
    ("id", "text", "groups", "at", "acknowledged", "pending"),
    id=TEXT, title=TEXT, text=TEXT, groups=_list(TEXT), at=MOMENT, acknowledged=WHOLE, pending=WHOLE, state=TEXT,
)  # fmt: skip
NEW_NOTICE = _object(
    ("groups", "text"),
    groups={**_list(TEXT), "minItems": 1}, text=TEXT, title=TEXT, deadline=MOMENT,
    kind={"enum": ["read", "act"]}, emergency={"type": "boolean"}, reason=TEXT,
)  # fmt: skip
INVENTORY = _object(
    ("week", "at", "totals", "groups", "apps"),
    week=TEXT, at=MOMENT, totals={"type": "object"}, groups=_list({"type": "object"}), apps=_list({"type": "object"}),
)  # fmt: skip
CLEANUP = _object(
    ("id", "kind", "subject", "name", "unit", "round", "week", "verdict", "state", "steps"),
    id=TEXT, kind={"enum": ["group", "app"]}, subject=TEXT, name=TEXT, unit=TEXT, round=WHOLE, previous={}, week=TEXT,
    verdict=TEXT, reasons=_list({"type": "object"}), suggestion=TEXT, state={"enum": list(STATES)}, choice=TEXT,
    reason=TEXT, target=TEXT, until={}, evidence=TEXT, verified={}, due={}, escalated_at={},
    steps=_list(_object(("number", "at", "step", "who"), number=WHOLE, at=MOMENT, step=TEXT, who=TEXT, whom=TEXT,
                        evidence=TEXT, choice=TEXT, target=TEXT, until={}, note=TEXT)),
)  # fmt: skip
APPEAL = _object(
    ("id", "at", "group", "category", "span", "clause", "why"),
    id=TEXT, at=MOMENT, group=TEXT, category=TEXT, rule=TEXT, span=TEXT, clause=TEXT, why=TEXT, suggestion=TEXT, text={},
)  # fmt: skip
AUDIT = _object(
    ("id", "at", "who", "name", "what", "subject", "scope"),
    id=WHOLE, at=MOMENT, who=TEXT, name=TEXT, what=TEXT, subject=TEXT, scope=TEXT,
)  # fmt: skip
REGISTER = _object(
    ("total", "page", "pages", "rows"), total=WHOLE, page=WHOLE, pages=WHOLE, rows=_list({"type": "object"}),
)  # fmt: skip
DRAFT = _object(("text",), id={}, text=TEXT, at=MOMENT, kind=TEXT)
LINKS = _object(("links",), links=_list(_object(("person", "name", "url"), person=TEXT, name=TEXT, url=TEXT)))
EVENT = {"type": "object", "required": ["type", "id", "at", "channel"]}

# method, path, summary, request body, status of success, answer
OPERATIONS: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("post", "/notices", "发一条通知", NEW_NOTICE, "201", _object(("id", "url", "audience"), id=TEXT, url=TEXT, audience=WHOLE)),
    ("get", "/notices", "列出通知，最新的在前", None, "200", _list(LISTED)),
    ("get", "/notices/{id}", "一条通知的确认情况", None, "200", STANDING),
    ("get", "/notices/{id}/pending", "应急通知的未确认名单（仅发起人）", None, "200", _object(("pending",), id=TEXT, pending=_list(TEXT))),
    ("post", "/notices/{id}/cancel", "取消通知", None, "200", STANDING),
    ("get", "/notices/{id}/links", "每个人的确认链接（发起人、机制办）", None, "200", LINKS),
    ("post", "/check", "检查一条消息", DRAFT, "200", _object(("flags",), id={}, flags=_list(SPAN))),
    ("get", "/inventories/{week}", "一周的清单", None, "200", INVENTORY),
    ("get", "/inventories/{week}.xlsx", "一周的清单（xlsx）", None, "200", None),
    ("get", "/reduction", "精简情况与人均负担", None, "200", {"type": "object"}),
    ("get", "/cleanup", "清理事项和每一步（每页 500 项）", None, "200", _list(CLEANUP)),
    ("get", "/appeals", "等待裁定的申诉（机制办）", None, "200", _list(APPEAL)),
    ("post", "/appeals/{id}", "裁定一条申诉", _object(("decision",), decision={"enum": ["uphold", "dismiss"]}), "200",
     _object(("id", "state"), id=TEXT, state=TEXT)),
    ("post", "/rules/test", "用正反例和已裁定的申诉检验现行规则", None, "200",
     _object(("cases", "right", "wrong"), cases=WHOLE, right=WHOLE, wrong=_list({"type": "object"}))),
    ("post", "/rules/shadow", "用改过的规则手册旁路试判，不影响现行规则", _object(("rulebook",), rulebook=TEXT), "200",
     _object(("cases", "present", "changed", "differ"), cases=WHOLE, present=TEXT, changed=TEXT, differ=_list({"type": "object"}))),
    ("get", "/audit", "个人信息查阅记录，最新的在前（每页 500 条）", None, "200", _list(AUDIT)),
    ("get", "/register/{book}", "台账 groups 或 apps（每页 500 行，按台账顺序）", None, "200", REGISTER),
    ("post", "/events", "送入事件（单个、数组或逐行）", {"oneOf": [EVENT, _list(EVENT)]}, "200", _object(("accepted",), accepted=WHOLE)),
)  # fmt: skip
ERROR = {"description": "出错，error 是一句中文", "content": {"application/json": {"schema": _object(("error",), error=TEXT)}}}


@cache
def document() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for method, path, summary, body, status, answer in OPERATIONS:
        paths.setdefault(f"/api/v1{path}", {})[method] = _operation(path, summary, body, status, answer)
    return {
        "openapi": "3.1.0",
        "info": {"title": "轻群", "version": version("qingqun")},
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
        "paths": paths,
    }


def _operation(path: str, summary: str, body: Any, status: str, answer: Any) -> dict[str, Any]:
    kind = "application/json" if answer is not None else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    done = {"description": summary, "content": {kind: {"schema": answer or {"type": "string", "format": "binary"}}}}
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": _parameters(path),
        "responses": {status: done, "4XX": ERROR, "503": ERROR},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _parameters(path: str) -> list[dict[str, Any]]:
    named = [name for name in ("id", "week") if f"{{{name}}}" in path]
    found: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named]
    if path == "/cleanup":
        kinds = {"state": {"enum": list(STATES)}, "unit": TEXT, "page": {"type": "integer", "minimum": 1}}
        found += [{"name": name, "in": "query", "required": False, "schema": kind} for name, kind in kinds.items()]
    if path == "/register/{book}":
        book = {"enum": ["groups", "apps"]}
        found.append({"name": "book", "in": "path", "required": True, "schema": book})
        kinds = {"q": TEXT, "unit": TEXT, "open": {"enum": ["1"]}, "page": {"type": "integer", "minimum": 1}}
        found += [{"name": name, "in": "query", "required": False, "schema": kind} for name, kind in kinds.items()]
    if path == "/notices":
        found.append({"name": "group", "in": "query", "required": False, "schema": TEXT})
    return found
