"""Runs saved as one file: exported from a panel, opened by a click, a drop or a second start, in their panel."""

import asyncio
import json
import shutil
import zipfile

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from workbench.engine import SessionState
from workbench.runs import RunFolder, RunStore, folders
from workbench.runs.archive import pack_run

BUTTON, KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def dragged(window, *paths):
    """Drag files over the window and drop them; return whether the window took them."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    enter = QDragEnterEvent(QPointF(400, 300).toPoint(), Qt.DropAction.CopyAction, mime, BUTTON, KEYS)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, mime, BUTTON, KEYS))
    return enter.isAccepted()


async def trained(person, window, steps=40):
    panel = await person.open_paper(window)
    person.type(panel.page.form.editor("steps").spin, "1000000")
    person.click(panel.page.controls.train_button)
    await person.until(lambda: panel.session.status is not None and panel.session.status.step > steps)
    return panel


def test_a_running_experiment_is_exported_as_one_file_and_goes_on(run, person, tmp_path):
    async def use():
        window = person.open_window()
        panel = await trained(person, window)
        file = tmp_path / "handed on.workbench-run"
        await panel.export_to("archive", file)
        await person.state(panel.session, SessionState.RUNNING)
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            record = json.loads(archive.read("run.json"))
        assert {"run.json", "metrics.bin", "checkpoint.pt", "export/metrics.csv", "export/run.json"} <= names
        assert any(name.startswith("export/figures/") for name in names)
        assert record["step"] > 40

    run(use)


def test_what_was_never_trained_says_so_instead_of_exporting(run, person, tmp_path):
    async def use():
        panel = await person.open_paper(person.open_window())
        await panel.export_to("archive", tmp_path / "x.workbench-run")
        assert panel.page.strip.sentence == "There is no run yet: train first."
        assert list(tmp_path.iterdir()) == []

    run(use)


_saved = []


@pytest.fixture
def saved_run(run, person, tmp_path):
    """A run of another home, paused, as a file; this home knows nothing of it. It is trained once for all tests."""
    file = tmp_path / "other.workbench-run"

    async def use():
        window = person.open_window()
        panel = await trained(person, window)
        person.click(panel.page.controls.train_button)
        await person.state(panel.session, SessionState.PAUSED)
        folder = panel.session.run_folder
        pack_run(RunFolder(folder), file)
        window.close_panel(window.workspace.current_key)
        shutil.rmtree(folder)

    if _saved:
        file.write_bytes(_saved[0])
    else:
        run(use)
        _saved.append(file.read_bytes())
    return file


def test_a_dropped_run_file_shows_the_run_at_its_step_and_can_go_on(saved_run, run, person):
    async def use():
        window = person.open_window(restore=False)
        assert dragged(window, saved_run)
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        session = window.panel.session
        await person.state(session, SessionState.PAUSED)
        ((folder, record),) = RunStore(folders().runs).runs()
        assert session.run_folder == folder.path
        assert session.history["loss"][0][-1] == record.step > 40
        person.click(window.panel.page.controls.train_button)
        await person.until(lambda: session.history["loss"][0][-1] > record.step + 5)

    run(use)


def test_a_second_start_brings_the_window_and_its_file(saved_run, run, person):
    async def use():
        window = person.open_window(restore=False)
        window.showMinimized()
        window.take_over([saved_run])
        assert not window.isMinimized()
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        await person.state(window.panel.session, SessionState.PAUSED)

    run(use)


def test_the_runs_tab_saves_a_run_as_a_file_that_opens(run, person, tmp_path):
    async def use():
        window = person.open_window()
        panel = await trained(person, window)
        person.click(panel.page.controls.train_button)
        await person.state(panel.session, SessionState.PAUSED)
        panel.header.show_tab("Runs")
        browser = panel._tab_pages["Runs"]
        await person.until(lambda: browser.selected)
        file = tmp_path / "from the table.workbench-run"
        browser.export_archive(file)
        await person.until(file.exists)
        await person.until(lambda: str(file) in browser.strip.sentence)
        assert "checkpoint.pt" in zipfile.ZipFile(file).namelist()

    run(use)


def test_what_cannot_be_opened_is_said_in_a_sentence_and_the_rest_is_opened(run, person, tmp_path):
    async def use():
        window = person.open_window(restore=False)
        notes, plugin = tmp_path / "notes.txt", tmp_path / "plugin.zip"
        bad = tmp_path / "bad.workbench-run"
        for file in (notes, plugin, bad):
            file.write_bytes(b"x")
        assert not dragged(window, notes)
        window.opener.open_paths([notes, bad, tmp_path / "gone.zip", plugin])
        said = lambda: [note.text for note in window.notifications.items]  # noqa: E731
        await person.until(lambda: any("bad.workbench-run is not a readable run file" in text for text in said()))
        assert any(text.startswith("notes.txt is neither a run of the workbench") for text in said())
        assert any(text.endswith("gone.zip does not exist.") for text in said())
        box = window.findChild(QMessageBox)
        assert "plugin.zip" in box.text()
        box.close()
        assert window.panel is None

    run(use)


def test_the_run_of_a_paper_that_is_not_installed_is_kept_and_said(saved_run, run, person, tmp_path):
    unknown = tmp_path / "unknown.workbench-run"
    with zipfile.ZipFile(saved_run) as old, zipfile.ZipFile(unknown, "w") as new:
        record = json.loads(old.read("run.json")) | {"plugin": "nobody", "id": "unknown-run"}
        new.writestr("run.json", json.dumps(record))

    async def use():
        window = person.open_window(restore=False)
        window.opener.open_paths([unknown])
        sentence = "nobody/fit is not installed now."
        await person.until(lambda: any(note.text == sentence for note in window.notifications.items))
        assert (folders().runs / "unknown-run" / "run.json").exists()

    run(use)


def test_the_menu_asks_for_runs_and_plugins(run, person):
    async def use():
        window = person.open_window(restore=False)
        window.commands.run("app.open")
        dialog = window.findChild(QFileDialog)
        assert "*.workbench-run" in dialog.nameFilters()[0]
        dialog.close()
        await asyncio.sleep(0)

    run(use)
