"""The PDF: fonts of the machine, cut out and embedded; text that can be copied out; pages set as the standard says."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pypdf
import pytest

from bot.reports import fonts, formats
from bot.reports.paper import FontError
from config.settings import Settings, load_settings
from tests.reports.conftest import HOSTILE, bare, pdf_text, troubled
from tests.reports.test_xlsx import group, snapshot

ROOT = Path(__file__).parent.parent.parent
chinese = pytest.mark.usefixtures("chinese")


def rendered(settings: Settings, *groups: dict[str, Any]) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(formats.render("pdf", snapshot(list(groups)), settings)))


def embedded(reader: pypdf.PdfReader) -> dict[str, Any]:
    found = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].get_object().values():
            composite = font.get_object()
            found[str(composite["/BaseFont"])] = composite
    return found


@chinese
def test_every_font_is_embedded_as_a_subset_and_can_be_copied_out(settings: Settings) -> None:
    found = embedded(rendered(settings, group()))
    assert found
    for name, font in found.items():
        inner = font["/DescendantFonts"][0].get_object()
        content = inner["/FontDescriptor"]["/FontFile2"].get_object().get_data()
        assert 1_000 < len(content) < 500_000, name
        assert name[7] == "+"
        assert (font["/Encoding"], "/ToUnicode" in font) == ("/Identity-H", True)


@chinese
def test_pages_are_a4_and_numbered(settings: Settings) -> None:
    reader = rendered(settings, *(group(id=str(number)) for number in range(40)))
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert len(reader.pages) > 3
    for number, page in enumerate(reader.pages, start=1):
        assert bare(page.extract_text()).endswith(f"—{number}—")


@chinese
def test_a_table_goes_on_below_its_head(settings: Settings) -> None:
    reader = rendered(settings, *(group(id=str(number), name=f"第{number}群") for number in range(60)))
    pages = [text for page in reader.pages if "群名称" in (text := bare(page.extract_text()))]
    assert len(pages) > 1
    assert all("序号群名称建群单位类型依据建议处置" in text for text in pages)
    assert all(any(f"第{number}群" in text for text in pages) for number in range(60))


@chinese
def test_the_signature_is_never_alone_on_a_page(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_out = cache(fonts.cut_out)
    monkeypatch.setattr(fonts, "cut_out", lambda source, letters: cut_out(source, tuple(letters)))
    for number in range(1, 12):
        rules = [
            {"code": "silent_90", "threshold": 90, "unit": "days", "text": "长" * 28 * number, "source": "本地口径"}
        ]
        body = snapshot([group()], rules=rules)
        pages = pypdf.PdfReader(io.BytesIO(formats.render("pdf", body, settings))).pages
        signed = next(text for page in pages if settings.office_name in (text := bare(page.extract_text())))
        assert "不给基层添负担" in signed


@chinese
def test_the_same_snapshot_gives_the_same_bytes(settings: Settings) -> None:
    first = formats.render("pdf", troubled(), settings)
    assert first == formats.render("pdf", json.loads(json.dumps(troubled())), settings)


@chinese
def test_what_people_write_breaks_nothing(settings: Settings) -> None:
    body = snapshot([group(name=HOSTILE, unit=HOSTILE, reasons=[{"code": "x", "text": HOSTILE, "evidence": {}}])])
    _, table = pdf_text(formats.render("pdf", body, settings))
    # No font here has the emoji: a box stands for it.
    assert "防汛群=cmd()<w:br/>&{战线}□很长" in table
    assert table.count("……") == 3


def test_without_any_font_it_says_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    with pytest.raises(FontError, match=r"fonts-noto-cjk.+reports\.fonts.+docx 不需要字体"):
        rendered(settings)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FontError, match=r"reports\.fonts 里的 .+nowhere 不存在"):
        fonts.find([tmp_path / "nowhere"])


def own_font(folder: Path, name: str, letters: str) -> Path:
    """A font with these characters, under this name."""
    path = folder / name
    path.write_bytes(fonts.cut_out(fonts.find(())["body"], letters).content)
    return path


@chinese
def test_a_font_that_is_given_is_used_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = (ROOT / "config/wording.toml").read_text("utf-8") + json.dumps(snapshot([group()]), ensure_ascii=False)
    every = "".join(sorted(set(every + "整治形式主义为基层减负专项工作机制办公室0123456789—□")))
    path = own_font(tmp_path, "机关自备.ttf", every)
    monkeypatch.setattr(fonts, "FOLDERS", ())
    reader = rendered(load_settings(environ={"QINGQUN_REPORTS__FONTS": f'["{path}"]'}), group())
    assert len(embedded(reader)) == 1
    assert "发现的主要问题" in "".join(bare(page.extract_text()) for page in reader.pages)


@chinese
def test_every_role_finds_its_own_file_and_a_broken_one_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = "".join(sorted(fonts.PROBE))
    names = {"title": "方正小标宋简体.ttf", "heading": "simhei.ttf", "lead": "simkai.ttf", "song": "SimSun.ttf"}
    made = {role: own_font(tmp_path, name, probe) for role, name in names.items()}
    (tmp_path / "simfang.ttf").write_bytes(b"no font")
    (tmp_path / "simsunb.ttf").write_bytes(made["song"].read_bytes())
    made["body"] = own_font(tmp_path, "仿宋_GB2312.ttf", probe)
    latin = own_font(tmp_path, "fangsong-latin.ttf", "abc")
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    found = fonts.find(())
    assert {role: source.path for role, source in found.items()} == made
    assert not [source for source in found.values() if source.thick]
    assert latin not in {source.path for source in found.values()}


@chinese
def test_what_stands_in_for_a_bolder_font_is_drawn_thicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_font(tmp_path, "simsun.ttf", "".join(fonts.PROBE))
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    found = fonts.find(())
    assert {role for role, source in found.items() if source.thick} == {"title", "heading"}
