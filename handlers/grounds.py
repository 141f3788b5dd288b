"""The grounds of an inventory: each verdict and each reason with the rule it follows and where that rule comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from config.wording import Wording
from handlers.rules import apps, zombie
from storage.inventories import Listed

# Verdicts that no reason makes → the rule that says so.
RULE_OF: Mapping[str, str] = {"alive": "alive", "exempt": "exempt", "insufficient": "data_gap"}

Row = Mapping[str, Any]


def explained(snapshot: Row, say: Wording) -> dict[str, Any]:
    """With `name`, `rule` and `source` in every reason, and `verdict_rule` in every row, as they were in force then.

    A snapshot is saved without them: a province has a million reasons and two dozen rules.
    """
    rules = {one["code"]: one for one in snapshot["rules"]}
    names = {code: say(f"inventory.rule_name.{code}") for code in rules}
    found = dict(snapshot)
    for what in ("groups", "apps"):
        rows, tell = snapshot[what], partial(_row, what=what, rules=rules, names=names)
        found[what] = rows.read_by(tell) if isinstance(rows, Listed) else [tell(one) for one in rows]
    return found


def _row(row: Row, what: str, rules: Mapping[str, Row], names: Mapping[str, str]) -> dict[str, Any]:
    reasons = [_reason(one, row, rules, names) for one in row["reasons"]]
    code = _deciding(row, what)
    rule = rules.get(code, {})
    ruled = {"code": code, "name": names.get(code, ""), "text": rule.get("text", ""), "source": rule.get("source", "")}
    return {**row, "reasons": reasons, "verdict_rule": ruled}


def _reason(reason: Row, row: Row, rules: Mapping[str, Row], names: Mapping[str, str]) -> dict[str, Any]:
    code = _code(reason["code"], row)
    rule = rules.get(code, {})
    told = {"name": names.get(code, ""), "rule": rule.get("text", ""), "source": rule.get("source", "")}
    return {**reason, **told}


def _code(code: str, row: Row) -> str:
    """Two rules lead to not_updated: one for accounts and one for apps."""
    return ("account" if apps.is_account(row["kind"]) else "app") if code == "not_updated" else code


def _deciding(row: Row, what: str) -> str:
    """The rule that the verdict follows; "" where it was judged by a rule that nobody knows any more."""
    judged: str = row["verdict"]
    makes = _app_reason if what == "apps" else _group_reason
    found = (one["code"] for one in row["reasons"] if makes(one, judged))
    return RULE_OF.get(judged) or next((_code(code, row) for code in found), "")


def _app_reason(reason: Row, judged: str) -> bool:
    return apps.VERDICT_OF.get(reason["code"], "not_updated") in (judged, reason["code"])


def _group_reason(reason: Row, judged: str) -> bool:
    """What names the purpose beside the name is the variant of similar_name that leads to a verdict."""
    code: str = reason["code"]
    variant = f"{code}_purpose" if "purpose" in reason["evidence"] else code
    return {**zombie.OVER_LIMIT, **zombie.VERDICT_OF}.get(variant) == judged


def told(row: Row) -> Sequence[str]:
    """Each rule of a row once, with its source: 口径。出处：…; the deciding one first."""
    own = [(one.get("rule", ""), one.get("source", "")) for one in row["reasons"]]
    ruled = row.get("verdict_rule", {})
    pairs = [(ruled.get("text", ""), ruled.get("source", "")), *own]
    return [f"{text}。出处：{source}" for text, source in dict.fromkeys(pairs) if text]
