"""Chinese fonts on this machine, and the part of one that a document needs, ready to be embedded.

Outlines of a CFF font become TrueType ones: every reader takes them, and text can be copied out by any program.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, BinaryIO

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.pens.cu2quPen import Cu2QuPen  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection, TTFont, TTLibError, newTable  # type: ignore[import-untyped]

from bot.reports.paper import FontError
from config.wording import load_wording

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
FOLDERS = (
    "~/.fonts",
    "~/.local/share/fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
)
# Beginnings of file names, as `_bare` makes them; the best first.
HAN_SERIF = ("notoserifcjk", "notoserifcjksc", "notoserifsc", "sourcehanserifsc", "sourcehanserifcn", "sourcehanserif")
HAN_SANS = ("notosanscjk", "notosanscjksc", "notosanssc", "sourcehansanssc", "sourcehansanscn", "sourcehansans")
ANY = ("wqyzenhei", "wqymicrohei", "文泉驿", "droidsansfallback")
SONG = (
    "simsun",
    "宋体",
    "方正书宋",
    "fzssk",
    "stsong",
    "华文宋体",
    *(f"{one}regular" for one in HAN_SERIF),
    "uming",
    "songti",
)
HEI = ("simhei", "黑体", "方正黑体", "fzhtk", "stheiti", "华文黑体", *(f"{one}bold" for one in HAN_SANS))
NAMES: Mapping[str, tuple[str, ...]] = {
    "title": (
        "方正小标宋",
        "fzxbs",
        "fzxiaobiaosong",
        "小标宋",
        "stzhongs",
        "华文中宋",
        *(f"{one}bold" for one in HAN_SERIF),
    ),
    "heading": HEI,
    "lead": ("simkai", "楷体", "kaiti", "方正楷体", "fzktk", "stkaiti", "华文楷体", "ukai"),
    "body": ("simfang", "仿宋", "fangsong", "方正仿宋", "fzfsk", "stfangso", "华文仿宋"),
    "song": SONG,
}
LAST = (*SONG, *HEI, *(f"{one}regular" for one in HAN_SANS), *ANY)
# Where another font stands in for these, its letters are drawn with an outline.
THICK = ("title", "heading")
# For figures, where a Chinese font has none.
LATIN = ("liberationserifregular", "dejavuserif", "times", "dejavusans", "arial")
# For what no font has.
UNKNOWN = "□"
# A font without these is no Chinese one.
PROBE = frozenset(f"工作群清理率，。{UNKNOWN}")
BROKEN = (TTLibError, OSError, KeyError, ValueError, AssertionError, struct.error)
# In units of a glyph: how far a converted outline may stray.
STRAY = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """A face of a font file; `thick` when it stands in for a bolder one."""

    path: Path
    number: int
    thick: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """`widths` of its characters, as shares of the size; what is not in it cannot be written with it."""

    content: bytes
    widths: Mapping[str, float]


def find(given: Sequence[Path]) -> dict[str, Source]:
    """A source for every role, and for `latin` where there is one.

    A file that is given under a name nobody knows counts for every role that no other file was given for.
    """
    if lost := next((path for path in given if not path.exists()), None):
        raise FontError(load_wording()("pdf.lost_font", path=lost))
    own, system = list(_files(given)), list(_files([Path(one).expanduser() for one in FOLDERS]))
    unnamed = [path for path in given if path.is_file() and not _is_known(path)]
    face_in = _reader()
    found = {}
    for role, names in NAMES.items():
        candidates = chain(
            zip(_matches(own, names), repeat(False)),
            zip(unnamed, repeat(True)),
            zip(_matches(system, names), repeat(False)),
            zip(_matches([*own, *system], LAST), repeat(True)),
        )
        chosen = next(((face, stands_in) for path, stands_in in candidates if (face := face_in(path))), None)
        if chosen is None:
            raise FontError(load_wording()("pdf.no_font"))
        found[role] = Source(*chosen[0], thick=chosen[1] and role in THICK)
    for path in islice(_matches(system, LATIN), 1):
        found["latin"] = Source(path, 0)
    return found


def cut_out(source: Source, letters: Collection[str]) -> Face:
    """The face with these characters only; the same ones give the same bytes."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True)
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "GPOS", "GSUB", "GDEF", "DSIG", "FFTM"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(letter) for letter in letters])
    content = io.BytesIO()
    with TTFont(source.path, fontNumber=source.number, lazy=True, recalcTimestamp=False) as font:
        cutter.subset(font)
        if "CFF " in font:
            _use_truetype(font)
        font.save(content, reorderTables=False)
        em = font["head"].unitsPerEm
        widths = {chr(code): font["hmtx"][name][0] / em for code, name in font.getBestCmap().items()}
    return Face(content.getvalue(), widths)


def _use_truetype(font: Any) -> None:
    glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
    made = {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, STRAY, reverse_direction=True))
        made[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, made
    del font["CFF "]
    _set_limits(font["maxp"])
    font["head"].glyphDataFormat = 0
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"


def _set_limits(table: Any) -> None:
    """What the table of a TrueType font says beyond that of a CFF one: nothing here has instructions."""
    table.tableVersion = 0x00010000
    table.maxZones = 1
    for name in ("TwilightPoints", "Storage", "FunctionDefs", "InstructionDefs", "StackElements", "SizeOfInstructions"):
        setattr(table, f"max{name}", 0)
    table.maxComponentElements = 0


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """The font files at these places, in the order of their names: folders list them as they like."""
    for place in places:
        if place.is_file():
            yield place
        for folder, inner, names in os.walk(place):
            inner.sort()
            yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES))


def _bare(path: Path) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", path.stem).lower() if char.isalnum())


def _is_known(path: Path) -> bool:
    return any(_bare(path).startswith(names) for names in (*NAMES.values(), LAST))


def _matches(paths: Sequence[Path], names: Sequence[str]) -> Iterator[Path]:
    """In the order of the names; a shorter name before those that go on with a weight."""
    bare = sorted(((path, _bare(path)) for path in paths), key=lambda one: len(one[1]))
    return (path for name in names for path, stem in bare if stem.startswith(name))


def _reader() -> Callable[[Path], tuple[Path, int] | None]:
    """Gives the path and the number of the Chinese face in a file, None without one; opens each file once."""

    @cache
    def read(path: Path) -> tuple[Path, int] | None:
        try:
            with path.open("rb") as file:
                number = _number(path, file)
                covered = TTFont(file, fontNumber=number, lazy=True).getBestCmap() or {}
        except BROKEN:
            return None
        return (path, number) if all(ord(char) in covered for char in PROBE) else None

    return read


def _number(path: Path, file: BinaryIO) -> int:
    """Which face of a collection writes as China does; a file that is none has but one."""
    if path.suffix.lower() not in (".ttc", ".otc"):
        return 0
    families = [str(font["name"].getBestFamilyName()) for font in TTCollection(file, lazy=True).fonts]
    return next((place for place, name in enumerate(families) if name.endswith((" SC", " CN", " GB"))), 0)
