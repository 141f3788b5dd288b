"""A rulebook that cannot be used says where and why; a good one is complete."""


import math
from pathlib import Path

import pytest

from config.model import STEPS, ModelError, load_model
from config.rulebook import RulebookError, load_rulebook

POLICY = [
    "screenshot",
    "ranking",
    "rollcall",
    "checkin",
    "forced_app",
    "forced_share",
    "tight_deadline",
    "periodic_report",
    "repeat_form",
    "new_group",
    "off_hours",
    "task_order",
    "unplanned_inspection",
    "pledge",
    "shadow_document",
]

ONE = """
[[category]]
id = "screenshot"
title = "过度留痕"
clause = "条文"
why = "因为"
suggestion = "改写"
"""


def test_the_shipped_rulebook_holds_every_category_with_at_least_one_rule() -> None:
    book = load_rulebook(learned=False)
    assert list(book.categories) == POLICY
    assert {rule.category for rule in book.rules} == set(POLICY)


def test_the_four_informational_categories_are_marked() -> None:
    book = load_rulebook(learned=False)
    assert [c.id for c in book.categories.values() if c.informational] == POLICY[11:]


def test_every_clause_names_a_source_and_no_grade_c_copy() -> None:
    for category in load_rulebook(learned=False).categories.values():
        assert "（" in category.clause
        assert "国办函〔2026〕12号" not in category.clause


def test_every_exemption_gives_its_reason_and_source() -> None:
    for exemption in load_rulebook(learned=False).exemptions:
        assert exemption.reason
        assert exemption.source


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a = = 1", ["第 1 行", "TOML"], id="not TOML"),
        pytest.param("[colour]", ["colour", "没有这个表"], id="unknown table"),
        pytest.param('[words]\nall = "各位"', ["words.all", "一组"], id="words are not a list"),
        pytest.param('[words]\nall = ["("]', ["第 2 行", "words.all", "正则"], id="a word that is no pattern"),
        pytest.param("[[rule]]\nforce = 1", ["rule", "id"], id="no id"),
        pytest.param(
            '[[rule]]\nid = "r"\ncategory = "screenshot"\nabout = "x"\nforce = "self"', ["r.any"], id="no pattern"
        ),
        pytest.param(
            '[[rule]]\nid = "r"\ncategory = "none"\nabout = "x"\nforce = "self"\nany = ["x"]',
            ["none", "类别"],
            id="unknown category",
        ),
        pytest.param(
            ONE + '[[rule]]\nid = "r"\ncategory = "screenshot"\nabout = "x"\nforce = "maybe"\nany = ["x"]',
            ["第 9 行", "r.force", "demand"],
            id="unknown force",
        ),
        pytest.param(
            ONE + '[[rule]]\nid = "r"\ncategory = "screenshot"\nabout = "x"\nforce = "self"\nany = ["<nobody>"]',
            ["nobody", "词组"],
            id="unknown word list",
        ),
        pytest.param(
            ONE + '[[rule]]\nid = "r"\ncategory = "screenshot"\nabout = "x"\nforce = "self"\nany = ["x"]\ncolour = 1',
            ["r.colour", "没有这个键"],
            id="unknown key",
        ),
        pytest.param(
            ONE + '[[rule]]\nid = "r"\ncategory = "screenshot"\nforce = "self"\nany = ["x"]',
            ["r", "必填"],
            id="a key is missing",
        ),
        pytest.param('[[category]]\nid = "x"\ntitle = 3', ["x.title", "文字"], id="a number where words are due"),
        pytest.param(
            '[[speech]]\nid = "s"\nwhere = "there"\nreason = "r"\nany = ["x"]', ["s.where"], id="unknown place"
        ),
    ],
)
def test_a_bad_rulebook_is_refused_with_file_place_and_reason(tmp_path: Path, text: str, says: list[str]) -> None:
    path = tmp_path / "本县.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RulebookError) as refused:
        load_rulebook(path)
    assert all(word in str(refused.value) for word in ["本县.toml", *says]), str(refused.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="读不出来"):
        load_rulebook(tmp_path / "none.toml")


def test_a_unit_adds_words_a_rule_and_an_exemption_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(
        '[words]\nmine = ["红本本"]\n'
        '[[rule]]\nid = "unit.red"\ncategory = "screenshot"\nabout = "x"\nforce = "self"\nany = ["交<mine>"]\n'
        '[[exemption]]\nid = "unit.race"\nreason = "赛事"\nsource = "本地口径"\nany = ["马拉松"]\nspares = ["checkin"]\n',
        "utf-8",
    )
    book = load_rulebook(extra=[path], learned=False)
    assert book.rules[-1].pattern.search("都来交红本本")
    assert book.exemptions[-1].spares == {"checkin"}
    assert book.version.endswith("+unit")


MODEL = {
    "columns": "demand\tscreenshot",
    "thresholds": "0.5\t0.5",
    "scale": "2\t0.1 0.1",
    "start": "2\t0 0",
    "hidden": "2x1\t1 0",
    "lift": "1\t0",
    "outer": "1x2\t0 1",
    "direct": "2x2\t1 0 0 1",
    "bias": "2\t0 -1",
}


def model_file(path: Path, features: str = "", **heads: str) -> Path:
    path.write_text("".join(f"#{name}\t{value}\n" for name, value in (MODEL | heads).items()) + features, "utf-8")
    return path


@pytest.mark.parametrize(
    "heads",
    [
        pytest.param({"bias": "1\t0"}, id="lengths differ"),
        pytest.param({"hidden": "2\t1 0"}, id="no matrix"),
        pytest.param({"lift": "3\t0"}, id="not as many numbers as it says"),
        pytest.param({"columns": "screenshot\tranking"}, id="no demand column"),
        pytest.param({"thresholds": "0.5"}, id="a threshold is missing"),
        pytest.param({"scale": "2\tx y"}, id="no number"),
        pytest.param({"outer": ""}, id="a layer is missing"),
    ],
)
def test_a_broken_model_is_refused(tmp_path: Path, heads: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"model\.tsv"):
        load_model(model_file(tmp_path / "model.tsv", **heads))


@pytest.mark.parametrize("line", ["Q\t100", "QQQ\t100", "QQ\ta", "QQ", "Q阿\t100"])
def test_a_broken_vector_is_named_when_it_is_met(tmp_path: Path, line: str) -> None:
    model = load_model(model_file(tmp_path / "model.tsv", f"请\t{line}\n"))
    assert model is not None
    with pytest.raises(ModelError, match="“请”"):
        model.opinion(["请"])


def test_a_model_says_what_each_feature_speaks_for(tmp_path: Path) -> None:
    model = load_model(model_file(tmp_path / "model.tsv", "请\tZP\t300\n截\tPd\t400\n"))
    assert model is not None
    opinion = model.opinion(["截", "请", "截", "never seen"])
    # 请 is (10, 0) and 截 (0, 20) tenths, weighed 3 and 4, divided by 5: the message is (0.6, 1.6).
    demand, screenshot = 1 / (1 + math.exp(-0.6)), 1 / (1 + math.exp(-1.2))
    assert opinion.chances == pytest.approx({"demand": demand, "screenshot": demand**2 * screenshot})
    assert opinion.shares("demand") == pytest.approx({"请": 0.6, "截": 0.0})
    # 请 wakes the hidden layer, which speaks for the category.
    assert opinion.shares("screenshot") == pytest.approx({"请": 0.6, "截": 1.6})
    assert model.opinion([]).chances["demand"] == 0.5


def test_every_line_of_the_shipped_model_can_be_read() -> None:
    model = load_model()
    assert model is not None
    assert len(model.lines) > 10_000
    vectors, rarity = model._vectors(tuple(model.lines))
    assert vectors.shape == (len(model.lines), len(model.layers.scale))
    assert abs(vectors).max() <= STEPS
    assert rarity.min() > 0


def test_without_a_model_file_the_rules_stand_alone(tmp_path: Path) -> None:
    assert load_model(tmp_path / "model.tsv") is None
