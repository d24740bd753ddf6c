import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from workbench.app.gallery import Gallery, WaitingRun, matches, sorted_entries
from workbench.app.gallery_card import Claims
from workbench.app.pictures import placeholder, topic_colour
from workbench.app.widgets import Chip
from workbench.catalog import Catalog, Entry
from workbench.sdk import PaperCard


def card(id, **changes):
    values = {
        "id": id, "title": f"The {id} paper", "short": id.title(), "authors": ("Ada Byron", "Bo Li"), "year": 2020,
        "arxiv": "1234.56789", "topic": "Theory", "tags": ("proof",), "summary": "About nothing.",
        "invitation": "Look at it.",
    }  # fmt: skip
    return PaperCard(**(values | changes))


ENTRIES = (
    Entry(card("alpha", year=2019, topic="Music"), "ok"),
    Entry(card("beta", year=2024, authors=("Émile Zola",)), "ok"),
    Entry(card("gamma", year=2025), "planned"),
    Entry(card("delta", year=2018, topic="Geometry"), "broken", error="It fell over.", traceback="Traceback ..."),
)


@pytest.fixture
def gallery(qtbot):
    gallery = Gallery(ENTRIES)
    gallery.resize(1000, 700)
    qtbot.addWidget(gallery)
    gallery.show()
    gallery.show_runs((), is_first_run=True)
    return gallery


def ids(gallery):
    return [entry.card.id for entry in gallery.shown]


def test_all_twenty_seven_papers_are_shown(qtbot):
    gallery = Gallery(Catalog.discover(Path("/nowhere")).entries)
    qtbot.addWidget(gallery)
    gallery.show()
    assert len(gallery.shown) == 27
    assert all(gallery.card(entry.card.id).isVisible() for entry in gallery.shown)


def test_newest_papers_come_first_and_planned_ones_last(gallery):
    assert ids(gallery) == ["beta", "alpha", "delta", "gamma"]


def test_papers_are_sorted_by_title_or_topic_too():
    assert [entry.card.id for entry in sorted_entries(ENTRIES, "title")] == ["alpha", "beta", "delta", "gamma"]
    assert [entry.card.id for entry in sorted_entries(ENTRIES, "topic")] == ["delta", "alpha", "beta", "gamma"]


@pytest.mark.parametrize("words", ["zola", "ÉMILE", "BETA paper", "proof zola", "2024", "nothing zola"])
def test_search_finds_every_word_in_title_authors_tags_or_summary(words):
    assert [entry.card.id for entry in ENTRIES if matches(entry.card, words)] == ["beta"]


def test_typing_filters_and_an_empty_result_says_what_to_do(gallery, qtbot):
    qtbot.keyClicks(gallery.search, "alpha")
    assert ids(gallery) == ["alpha"]
    assert not gallery.card("beta").isVisible()
    qtbot.keyClicks(gallery.search, "xyz")
    assert ids(gallery) == []
    assert gallery._nothing.isVisible()
    gallery.search.clear()
    assert len(ids(gallery)) == 4


def test_a_topic_shows_only_its_papers(gallery, qtbot):
    chips = {chip.text(): chip for chip in gallery.findChildren(Chip)}
    qtbot.mouseClick(chips["Music"], Qt.MouseButton.LeftButton)
    assert ids(gallery) == ["alpha"]
    qtbot.mouseClick(chips["All"], Qt.MouseButton.LeftButton)
    assert len(ids(gallery)) == 4


def test_a_click_and_enter_open_a_paper(gallery, qtbot):
    opened = []
    gallery.opened.connect(opened.append)
    qtbot.mouseClick(gallery.card("alpha"), Qt.MouseButton.LeftButton)
    qtbot.keyClick(gallery.card("delta"), Qt.Key.Key_Return)
    qtbot.keyClicks(gallery.search, "beta")
    qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert [entry.card.id for entry in opened] == ["alpha", "delta", "beta"]


def test_arrows_walk_over_the_cards_and_back_to_the_search(gallery, qtbot):
    gallery.search.setFocus()
    qtbot.keyClick(gallery.search, Qt.Key.Key_Down)
    assert gallery.focusWidget() is gallery.card("beta")
    qtbot.keyClick(gallery.card("beta"), Qt.Key.Key_Right)
    assert gallery.focusWidget() is gallery.card("alpha")
    qtbot.keyClick(gallery.card("alpha"), Qt.Key.Key_End)
    assert gallery.focusWidget() is gallery.card("gamma")
    qtbot.keyClick(gallery.card("gamma"), Qt.Key.Key_Home)
    qtbot.keyClick(gallery.card("beta"), Qt.Key.Key_Up)
    assert gallery.focusWidget() is gallery.search


def test_cards_fill_the_width_at_any_size(gallery, qtbot):
    for width in (520, 1280, 2560):
        gallery.resize(width, 700)
        qtbot.waitUntil(lambda width=width: _right_edge(gallery) <= width, timeout=2000)
        row = [c for c in map(gallery.card, ids(gallery)) if c.y() == gallery.card("beta").y()]
        assert len({c.width() for c in row}) == 1
        assert all(c.width() >= 220 for c in row)


def _right_edge(gallery):
    return max(gallery.card(id).mapTo(gallery, gallery.card(id).rect().topRight()).x() for id in ids(gallery))


def test_the_foot_of_a_card_says_how_the_paper_stands(tmp_path):
    verdicts = {"a": {"holds": True}, "b": {"holds": False}, "c": {"holds": None}}
    (tmp_path / "reproduction.json").write_text(json.dumps({"plugin": "x", "claims": verdicts}))
    entry = Entry(card("x", folder=tmp_path), "ok")
    assert Claims.of(entry) == Claims(1, 3)


def test_a_waiting_run_is_offered_on_its_card_and_in_the_strip(gallery, qtbot):
    run = WaitingRun("alpha", "fit", Path("/runs/1"), "Alpha · Fit · step 2300")
    gallery.show_runs([run], is_first_run=False)
    assert gallery.card("alpha").status_text == "continue"
    assert gallery.card("beta").status_text == "ready"
    continued = []
    gallery.continued.connect(continued.append)
    button = next(b for b in gallery._strip.findChildren(type(gallery._strip.children()[-1])) if b.text() == run.text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert continued == [run]
    gallery.show_runs([], is_first_run=False)
    assert gallery.card("alpha").status_text == "ready"


def test_broken_and_planned_papers_say_so(gallery):
    assert gallery.card("delta").status_text == "broken: see why"
    assert "It fell over." in gallery.card("delta").toolTip()
    assert gallery.card("gamma").status_text == "planned"
    assert "Planned" in gallery.card("gamma").toolTip()


def test_an_installed_plugin_appears_and_a_replaced_one_gets_a_new_card(gallery):
    old = gallery.card("alpha")
    gallery.show_entries((*ENTRIES[1:], Entry(card("alpha", short="Newer"), "ok"), Entry(card("epsilon"), "ok")))
    assert gallery.card("alpha") is not old
    assert gallery.card("alpha").entry.card.short == "Newer"
    assert "epsilon" in ids(gallery)


def test_a_paper_without_a_thumbnail_gets_a_picture_of_its_own_and_always_the_same(gallery):
    size = gallery.card("alpha").size()
    pictures = [placeholder(entry.card, size, 1.0).toImage() for entry in ENTRIES[:2]]
    assert pictures[0] != pictures[1]
    assert pictures[0] == placeholder(ENTRIES[0].card, size, 1.0).toImage()
    assert len({topic_colour(topic).name() for topic in ("Music", "Geometry", "Unknown")}) == 3


def test_the_thumbnail_of_a_plugin_is_shown_where_there_is_one(tmp_path, qtbot):
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(0xFF0000)
    image.save(str(tmp_path / "thumbnail.png"))
    gallery = Gallery([Entry(card("x", folder=tmp_path), "ok")])
    gallery.resize(400, 500)
    qtbot.addWidget(gallery)
    gallery.show()
    shown = gallery.card("x").grab().toImage()
    assert shown.pixelColor(shown.width() // 2, 40).name() == "#ff0000"
