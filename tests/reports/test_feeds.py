"""Whatever a unit gives as an account's record: the days of it, or a sentence that says what to do."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bot.reports.feeds import read_feeds
from bot.reports.spreadsheet import ImportRefused

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>柳湾微讯</title><lastBuildDate>Mon, 23 Nov 2026 09:00:00 +0800</lastBuildDate>
<item><title>甲</title><pubDate>Fri, 20 Nov 2026 17:30:00 GMT</pubDate></item>
<item><title>乙</title><pubDate>2026-11-02</pubDate></item><item><title>丙</title></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>柳湾微讯</title><updated>2026-11-23T00:00:00Z</updated>
<entry><title>甲</title><updated>2026-11-20T23:59:00+08:00</updated><published>2026-11-19T08:00:00+08:00</published></entry>
</feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>柳湾微讯</title></channel>
<item><dc:date>2026-11-20T10:00:00+08:00</dc:date></item></rdf:RDF>"""
JSON_FEED = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "柳湾微讯",
                        "items": [{"id": "1", "date_published": "2026-11-20T10:00:00+08:00"}, {"id": "2"}]})  # fmt: skip
BOMB = '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>'
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>'


def refusal(content: bytes | str) -> str:
    with pytest.raises(ImportRefused) as refused:
        read_feeds(content.encode() if isinstance(content, str) else content)
    return refused.value.said("记录.xml")


@pytest.mark.parametrize(
    ("content", "days", "undated"),
    [
        # 17:30 in Greenwich is the next day in Shanghai; when the file was built says nothing.
        (RSS, {date(2026, 11, 21), date(2026, 11, 2)}, 1),
        (ATOM, {date(2026, 11, 19)}, 0),
        (RDF, {date(2026, 11, 20)}, 0),
        (JSON_FEED, {date(2026, 11, 20)}, 1),
    ],
    ids=["RSS 2.0", "Atom", "RSS 1.0", "JSON Feed"],
)
def test_the_days_of_the_entries_are_read_in_shanghai(content: str, days: set[date], undated: int) -> None:
    [found] = read_feeds(content.encode())
    assert (found.title, found.days, found.undated) == ("柳湾微讯", days, undated)


def test_a_feed_in_gbk_is_read_by_its_declaration() -> None:
    [found] = read_feeds(RSS.replace("UTF-8", "gb2312").encode("gb18030"))
    assert (found.title, len(found.days)) == ("柳湾微讯", 2)


def test_a_table_holds_one_account_or_many() -> None:
    [one] = read_feeds("发布日期,标题\n2026/11/20,甲\n2026年11月2日,乙\n".encode("gb18030"))
    assert (one.title, one.days) == ("", {date(2026, 11, 20), date(2026, 11, 2)})
    many = read_feeds("各账号更新记录\n名称,日期\n甲,2026-11-20\n乙,2026-11-19\n甲,昨天\n".encode())
    assert [(feed.title, sorted(feed.days), feed.undated) for feed in many] == [
        ("甲", [date(2026, 11, 20)], 1),
        ("乙", [date(2026, 11, 19)], 0),
    ]


@pytest.mark.parametrize("content", [BOMB, OUTSIDE], ids=["entities in entities", "a file of the machine"])
def test_entities_are_never_read(content: str) -> None:
    assert "DOCTYPE" in refusal(content)
    assert "root:" not in refusal(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<rss><channel><item>", "不是完整的 RSS"),
        ('{"items": [', "不是完整的 RSS"),
        ("[" * 100_000, "不是完整的 RSS"),
        ("<html><body>登录</body></html>", "没有一条更新记录"),
        ('{"items": []}', "没有一条更新记录"),
        ("<rss><channel><item><title>甲</title></item></channel></rss>", "没有一条写明日期"),
        ("日期\n昨天\n", "没有一条写明日期"),
        ("标题,作者\n甲,乙\n", "没有找到“日期”"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "已损坏或不是表格"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(content: bytes | str, said: str) -> None:
    found = refusal(content)
    assert said in found
    assert found.startswith("文件 记录.xml")


def test_a_deep_or_an_endless_feed_is_refused() -> None:
    assert "不是完整" in refusal("<a>" * 200_000)
    items = "<item><pubDate>2026-11-20</pubDate></item>" * 20_001
    assert "超过 20000 条" in refusal(f"<rss><channel>{items}</channel></rss>")
