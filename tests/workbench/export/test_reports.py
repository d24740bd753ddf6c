"""Reports of claims: whole, self-contained, honest about what was not run."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from workbench.export.reports import as_html, as_markdown, report_of, verdict_of, write_report
from workbench.sdk import ClaimCard, PaperCard, UserError

PAPER = PaperCard(
    "tiny", "A <tiny> paper", "Tiny", ("Ada L.", "Alan T."), 2020, "2001.00001", "Theory", summary="Sums."
)
CARDS = [ClaimCard("a", "A & b hold.", "Table 1", "0.5"), ClaimCard("b", "B holds.", "Table 2", "1 | 2"),
         ClaimCard("c", "C was never run.", "Section 3", "–")]  # fmt: skip
RESULT = {"statement": "A & b hold.", "source": "Table 1", "scale": "laptop", "paper": "0.5", "measured": "0.49 ± 0.01",
          "holds": True, "why": "", "seeds": [0, 1], "seconds": 3.2, "date": "2026-01-01", "machine": "m",
          "table": {"columns": ["seed", "error"], "rows": [[0, 0.123456], [1, 0.5]]}}  # fmt: skip


@pytest.fixture
def report():
    results = {"a": RESULT, "b": RESULT | {"statement": "B holds.", "holds": False, "paper": "1 | 2"}}
    return report_of("tiny", CARDS, results)


class Checker(HTMLParser):
    VOID = ("meta", "br", "img")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.texts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [value for name, value in attributes if name in ("href", "src")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_four_states_are_told_apart():
    empty = {"holds": None, "why": ""}
    assert verdict_of(RESULT) == "holds"
    assert verdict_of(RESULT | {"holds": False}) == "does not hold"
    assert verdict_of(empty) == "not run"
    assert verdict_of(empty | {"why": "No GPU."}) == "cannot run here"


def test_html_is_one_well_formed_page_without_other_files(report):
    picture = '<svg><g id="x"/><path d="M0 0" clip-path="url(#x)"/></svg>'
    page = as_html([report], {"tiny": PAPER}, {("tiny", "a"): picture, ("tiny", "b"): picture})
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert all(link.startswith(("#", "https://arxiv.org/")) for link in checker.links)
    assert {link[1:] for link in checker.links if link.startswith("#")} <= set(checker.ids)
    text = " ".join(checker.texts)
    for words in ("A <tiny> paper", "A & b hold.", "0.49 ± 0.01", "does not hold", "not run", "0.1235"):
        assert words in text
    assert page.count('clip-path="url(#tiny-a-x)"') == 1


def test_several_plugins_get_an_overview(report):
    page = as_html([report, report | {"plugin": "other"}], {"tiny": PAPER})
    assert "Reproduction of 2 papers" in page
    assert page.count("1 of 3") == 2


def test_markdown_keeps_its_table_whole(report):
    text = as_markdown([report], {"tiny": PAPER})
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |")]
    assert rows[2] == "| B holds. | 1 \\| 2 | 0.49 ± 0.01 | does not hold |"
    assert text.startswith("# A <tiny> paper")


def test_json_is_the_stable_form(report, tmp_path):
    write_report(tmp_path / "r.json", [report], {"tiny": PAPER}, {("tiny", "a"): "<svg/>"})
    read = json.loads((tmp_path / "r.json").read_text())
    assert list(read["claims"]) == ["a", "b", "c"]
    assert read["claims"]["c"]["holds"] is None
    assert "figure" not in json.dumps(read)


def test_another_suffix_is_refused_and_nothing_is_written(report, tmp_path):
    with pytest.raises(UserError, match=r"\.md, \.html, \.json, not \.pdf"):
        write_report(tmp_path / "r.pdf", [report])
    assert list(tmp_path.iterdir()) == []
