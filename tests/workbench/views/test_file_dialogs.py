"""Asking for files: the call returns at once, and what is chosen comes later."""

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from workbench.views.file_dialogs import ask_file, ask_files, ask_folder, ask_new_folder, ask_target, tell_problem


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_what_is_chosen_comes_as_paths(parent, tmp_path):
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.txt").write_text("")
    chosen = []
    for dialog, name in (
        (ask_file(parent, "One", ["Text (*.txt)"], chosen.append, start=tmp_path), "a.txt"),
        (ask_folder(parent, "Folder", chosen.append, start=tmp_path.parent), tmp_path.name),
        (ask_target(parent, "Write", tmp_path / "c.csv", ["*.csv"], chosen.append), "d"),
        (ask_new_folder(parent, "New", tmp_path / "e", chosen.append), "e"),
    ):
        assert dialog.isVisible()
        assert chosen == []
        dialog.selectFile(name)
        dialog.accept()
        assert len(chosen) == 1, dialog.windowTitle()
        assert chosen.pop().name == ("d.csv" if name == "d" else name)


def test_several_files_come_together_and_a_cancelled_dialog_says_nothing(parent, tmp_path):
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text("")
    chosen = []
    dialog = ask_files(parent, "Some", ["*.txt"], chosen.append, start=tmp_path)
    dialog.filesSelected.emit([str(file) for file in files])
    assert chosen == [files]
    dialog.reject()
    other = ask_file(parent, "None", ["*.txt"], chosen.append)
    other.reject()
    assert chosen == [files]


def test_a_problem_is_told_in_a_box_that_does_not_wait(parent, qtbot):
    box = tell_problem(parent, "Export", "It cannot be written.")
    assert box.isVisible()
    assert box.text() == "It cannot be written."
    box.accept()
    assert parent.findChildren(QFileDialog) == []
