"""Names and purposes that say nearly the same: by pairs of characters (similar.py) and by segmented words.

防汛抗旱工作群 and 抗旱防汛群 have few pairs of characters in common and all their words. 一组 and 二组 are never alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from handlers.rules import similar, tokens
from handlers.rules.similar import NAME_SHARE, NAMED, Likeness

# Our default: no text gives a number for the likeness of purposes.
PURPOSE_SHARE = 0.5
# A name of one word, or a purpose of one, says too little to be compared by words.
LEAST_WORDS = 2
# Words that tell no group from another.
_COMMON = frozenset(
    re.split("、", "工作、日常、全、交流、通知、联络、联系、沟通、信息、专项、群、群组、群聊、微信、钉钉、企业、的、和、及、与、等、"
    "用于、开展、做好、关于、有关、相关、各")
)  # fmt: skip
_NUMERAL = re.compile(r"\d+|[一二三四五六七八九十]+")
_WORD = re.compile(r"[\w]+")


@lru_cache(maxsize=200_000)
def words_of(text: str) -> frozenset[str]:
    """The words that tell something; numerals are kept."""
    plain = unicodedata.normalize("NFKC", text).lower()
    found = (one.removesuffix("群") for one in tokens.cut(plain) if _WORD.fullmatch(one))
    return frozenset(one for one in found if one and one not in _COMMON)


def alike_names(names: Mapping[str, tuple[str, str]], share: float = NAME_SHARE) -> dict[str, Likeness]:
    """Of (name, unit), within one known unit: alike by characters or by words."""
    crowded = _crowded(names)
    by_words = {
        group: frozenset(f"{unit}\n{'·'.join(_NUMERAL.findall(name))}\n{word}" for word in _telling(name, unit))
        for group, (name, unit) in crowded.items()
    }
    return joined(similar.alike_names(names, share), similar.overlaps(by_words, share, LEAST_WORDS))


def _crowded(names: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Those whose unit has another group: cutting words costs more than counting."""
    seen: dict[str, int] = {}
    for _, unit in names.values():
        seen[unit] = seen.get(unit, 0) + 1
    return {group: (name, unit) for group, (name, unit) in names.items() if unit and seen[unit] > 1}


def _telling(name: str, unit: str) -> frozenset[str]:
    """The words of a name that are not its unit's: 柳湾镇 tells no group of 柳湾镇党政办 from another."""
    return words_of(name.replace(unit, "")) - words_of(unit)


def joined(one: Mapping[str, Likeness], other: Mapping[str, Likeness]) -> dict[str, Likeness]:
    """Found by either; of two likenesses of a pair the higher one."""
    found: dict[str, Likeness] = dict(one)
    for group, more in other.items():
        if group not in found:
            found[group] = more
            continue
        shares = dict(more.others)
        for key, how in found[group].others:
            shares[key] = max(how, shares.get(key, 0.0))
        ranked = tuple(sorted(shares.items(), key=lambda pair: (-pair[1], pair[0])))
        number = max(found[group].number, more.number, len(ranked))
        found[group] = Likeness(ranked[:NAMED], number)
    return found


def same_purpose(
    named: Mapping[str, Likeness], purposes: Mapping[str, str], share: float = PURPOSE_SHARE
) -> dict[str, tuple[str, ...]]:
    """By group, those of its namesakes whose purpose says nearly the same; where none is told nothing is alike."""
    found = {
        group: tuple(other for other, _ in like.others if likeness(purposes[group], purposes[other]) >= share)
        for group, like in named.items()
        if purposes.get(group)
    }
    return {group: others for group, others in found.items() if others}


def likeness(one: str, other: str) -> float:
    """0 to 1: the higher one of the words and of the pairs of characters that two texts share."""
    if not one or not other:
        return 0.0
    return max(_share(words_of(one), words_of(other)), _share(_pairs(one), _pairs(other)))


def _pairs(text: str) -> frozenset[str]:
    plain = "".join(_WORD.findall(unicodedata.normalize("NFKC", text).lower()))
    return frozenset(plain[place : place + 2] for place in range(len(plain) - 1))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
