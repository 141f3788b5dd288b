"""What a message says about being a notice: a command to the bot, “no need to answer”, its title and its twin."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

TITLE_LENGTH = 32
TELLING_LENGTH = 12
NO_REPLY = re.compile(
    r"(?:不用|不必|无需|无须|毋需|不需要?|免|勿|别|请勿|不要)(?:再|一一|逐一|个个|统一|特意|在群里|群里)*(?:回复|回“?收到|回了?|答复|接龙)"
)
FORWARDED = re.compile(r"^\s*(?:【转发?】|\[转发?\]|转发?[：:\s]|fwd?[:：])\s*", re.IGNORECASE)
SENTENCE_END = re.compile(r"[。！？!?\n；;]")
NOISE = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Command:
    """A word to the bot in a group: `@轻群 通知 …` or `@轻群 应急通知 原因：… 内容`."""

    verb: str
    text: str
    reason: str = ""


def command(text: str, bot_name: str, verbs: tuple[str, ...]) -> Command | None:
    """The command in a message that addresses the bot; None when it says anything else."""
    head = re.match(rf"\s*[@＠]{re.escape(bot_name)}[\s\u2005:：,，]*", text)
    if head is None:
        return None
    rest = text[head.end() :]
    for verb in sorted(verbs, key=len, reverse=True):
        if rest.startswith(verb):
            body = rest[len(verb) :].lstrip(" \u2005:：,，\n")
            reason = re.match(r"(?:原因|事由)[:：]\s*([^\s。；;，,]+)[\s。；;，,]*", body)
            return Command(verb, body[reason.end() :] if reason else body, reason.group(1) if reason else "")
    return None


def no_reply_wanted(text: str) -> bool:
    """“不用回复”: the sender frees everybody from answering."""
    return NO_REPLY.search(unicodedata.normalize("NFKC", text)) is not None


def title_of(text: str) -> str:
    """The first sentence, cut to a title's length."""
    clean = FORWARDED.sub("", text).strip()
    first = next((part.strip() for part in SENTENCE_END.split(clean) if part.strip()), clean)
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"


def heading(title: str, text: str) -> tuple[str, str]:
    """(headline, body) that say nothing twice: a title taken from the text is cut off it, a shortened one is left out."""
    clean = text.strip()
    if clean.startswith(title):
        return title, clean[len(title) :].lstrip("。！？!?；;，, \n")
    if title.endswith("…") and clean.startswith(title[:-1]):
        return "", clean
    return title, clean


def fingerprint(text: str) -> str:
    """The same for a text and its forwarded copies: letters and digits decide, marks and spaces don't.

    Empty for a text too short to tell two notices apart (“收到请回复” stands for something else each time).
    """
    folded = NOISE.sub("", unicodedata.normalize("NFKC", FORWARDED.sub("", text)).casefold())
    return hashlib.sha256(folded.encode()).hexdigest()[:24] if len(folded) >= TELLING_LENGTH else ""
