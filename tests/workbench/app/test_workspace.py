import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLabel, QMainWindow

from workbench.app.workspace import Workspace

KEYS = ("gallery", "a", "b", "c")


@pytest.fixture
def make(qtbot):
    def build(keys=KEYS):
        window, workspace = QMainWindow(), Workspace()
        window.setCentralWidget(workspace)
        window.resize(1000, 600)
        qtbot.addWidget(window)
        for key in keys:
            workspace.add(key, QLabel(key), title=key.title(), is_permanent=key == "gallery")
        window.show()
        workspace.host = window
        return workspace

    return build


def groups(workspace):
    return [[workspace._keys[page] for page in pane.pages()] for pane in workspace.panes()]


def test_pages_are_tabs_and_the_newest_is_shown(make):
    workspace = make()
    assert groups(workspace) == [["gallery", "a", "b", "c"]]
    assert workspace.current_key == "c"


def test_a_split_puts_the_page_beside_the_others(make):
    workspace = make()
    workspace.split("right")
    assert groups(workspace) == [["gallery", "a", "b"], ["c"]]
    right = workspace.page("c").mapTo(workspace, QPoint(0, 0)).x()
    assert right > workspace.width() // 3
    workspace.show_page("b")
    workspace.split("down")
    assert groups(workspace) == [["gallery", "a"], ["b"], ["c"]]
    assert workspace.page("b").mapTo(workspace, QPoint(0, 0)).y() > workspace.height() // 3


def test_a_lone_page_cannot_be_split_away(make):
    workspace = make(("gallery",))
    workspace.split("right")
    assert groups(workspace) == [["gallery"]]


def test_a_page_moves_to_the_next_pane_and_an_empty_pane_goes(make):
    workspace = make()
    workspace.split("right")
    workspace.move_to_next_pane()
    assert groups(workspace) == [["gallery", "a", "b", "c"]]
    assert workspace.current_key == "c"


def test_joining_keeps_all_pages_and_the_current_one(make):
    workspace = make()
    workspace.split("right")
    workspace.show_page("a")
    workspace.split("down")
    workspace.unsplit()
    assert sorted(groups(workspace)[0]) == sorted(KEYS)
    assert len(workspace.panes()) == 1
    assert workspace.current_key == "a"


def test_a_tab_dropped_on_an_edge_splits_there_and_in_the_middle_joins(make):
    workspace = make()
    workspace.split("right")
    left = workspace.panes()[0]
    middle = QPoint(left.width() // 2, left.height() // 2)
    assert left.side_at(middle) == "middle"
    assert left.side_at(QPoint(left.width() - 5, middle.y())) == "right"
    assert left.side_at(QPoint(middle.x(), left.height() - 5)) == "down"
    left.dropped.emit(workspace.page("c"), left, "up")
    assert groups(workspace) == [["c"], ["gallery", "a", "b"]]
    above, below = (workspace.page(key).mapTo(workspace, QPoint(0, 0)).y() for key in ("c", "b"))
    assert above < below


def test_moving_a_page_never_leaves_it_without_the_window(make):
    """A moment without a window would give an OpenGL canvas another context."""
    workspace = make()
    page, windows = workspace.page("c"), []

    class Watch(QLabel):
        def event(self, event):
            windows.append(page.window())
            return super().event(event)

    watch = Watch("watch", page)
    watch.show()
    workspace.split("right")
    workspace.move_to_next_pane()
    assert windows, "the page was moved"
    assert set(map(id, windows)) == {id(workspace.host)}


def test_closing_the_last_page_of_a_pane_removes_the_pane(make):
    workspace = make()
    workspace.split("right")
    workspace.remove("c")
    assert groups(workspace) == [["gallery", "a", "b"]]
    assert workspace.current is not None


def test_permanent_pages_have_no_close_button_and_others_ask(make, qtbot):
    workspace = make()
    asked = []
    workspace.close_requested.connect(asked.append)
    for page in workspace.panes()[0].pages():
        workspace.panes()[0].close_requested.emit(page)
    assert asked == ["a", "b", "c"]


def test_cycling_goes_over_all_panes(make):
    workspace = make()
    workspace.split("right")
    seen = []
    for _ in KEYS:
        workspace.cycle(1)
        seen.append(workspace.current_key)
    assert sorted(seen) == sorted(KEYS)


def test_the_look_of_a_tab_moves_with_it(make):
    workspace = make()
    workspace.set_look("c", "mdi6.play", "accent", "C 62 %", "A long title")
    workspace.split("right")
    pane = workspace.panes()[1]
    assert (pane.tabText(0), pane.tabToolTip(0)) == ("C 62 %", "A long title")
    assert not pane.tabIcon(0).isNull()


def test_a_layout_is_restored_with_its_sizes(make):
    first = make()
    first.split("right")
    first.show_page("b")
    first.split("down")
    first._root.setSizes([300, 700])
    saved = first.saved()
    second = make()
    second.restore(saved)
    assert groups(second) == groups(first)
    assert second.current_key == "b"
    ratio = second._root.sizes()[0] / sum(second._root.sizes())
    assert ratio == pytest.approx(0.3, abs=0.03)


def test_pages_that_a_layout_does_not_know_are_not_lost(make):
    saved = make(("gallery", "a")).saved()
    workspace = make()
    workspace.restore(saved)
    assert sorted(workspace.keys) == sorted(KEYS)


def test_a_layout_with_pages_that_are_gone_or_nonsense_is_survived(make):
    workspace = make()
    for layout in (
        {},
        {"tree": None},
        {"tree": {"tabs": ["gone"]}},
        {"tree": {"split": "right", "sizes": ["x"], "parts": [{"tabs": ["gone"]}, {"tabs": ["a"]}, 3]}},
        {"tree": {"tabs": ["a", "b"]}, "current": "gone"},
    ):
        workspace.restore(layout)
        assert sorted(workspace.keys) == sorted(KEYS)


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(["right", "down", "move", "join", "restore"]))))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_splits_and_moves_loses_a_page_or_leaves_an_empty_pane(make, moves):
    workspace = make()
    for key, move in moves:
        workspace.show_page(key)
        match move:
            case "move":
                workspace.move_to_next_pane()
            case "join":
                workspace.unsplit()
            case "restore":
                workspace.restore(workspace.saved())
            case side:
                workspace.split(side)
        assert sorted(workspace.keys) == sorted(KEYS)
        assert all(pane.count() for pane in workspace.panes())
        assert workspace.current_key == key
    workspace.host.close()
    workspace.host.deleteLater()
