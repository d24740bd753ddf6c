"""What a person does in the first minutes, from click to effect."""

import asyncio
import json
import os
import shutil
import subprocess
import sys

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from workbench.app.application import START_REPORT_VARIABLE
from workbench.engine import SessionState
from workbench.runs import AppState, OpenPanel, RunStore, folders
from workbench.views.theme import theme


def test_a_paper_is_opened_trained_paused_and_played_with_from_the_keyboard_and_the_mouse(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        session, view = panel.session, panel.page.view
        assert session.state is SessionState.READY
        await person.until(lambda: view.frames > 0)
        assert "step 0" in view.label.text()
        person.type(panel.page.form.editor("steps").spin, "1000000")
        await person.focus(panel)
        person.press(panel, Qt.Key.Key_Space)
        await person.state(session, SessionState.RUNNING)
        await person.until(lambda: session.status is not None and session.status.step > 50)
        assert panel.page.controls.train_button.text() == "Pause"
        seen = view.frames
        await person.until(lambda: view.frames > seen + 3)
        await person.until(lambda: window.workspace.panes()[0].tabText(1).startswith("Tiny"))
        person.click(view.button)
        await person.until(lambda: "pushed" in view.label.text() or view.frames > seen + 10)
        await person.focus(panel)
        person.press(panel, Qt.Key.Key_Space)
        await person.state(session, SessionState.PAUSED)
        await asyncio.sleep(0.3)
        step = session.history["loss"][0][-1]
        person.press(panel, Qt.Key.Key_S)
        await person.until(lambda: session.history["loss"][0][-1] == step + 1)
        await person.state(session, SessionState.PAUSED)
        person.press(panel, Qt.Key.Key_Escape)
        await person.state(session, SessionState.FINISHED)

    run(use)


def test_a_live_parameter_changes_while_it_runs_and_another_waits_for_reset(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        session, form = panel.session, panel.page.form
        person.type(form.editor("steps").spin, "1000000")
        person.click(panel.page.controls.train_button)
        await person.state(session, SessionState.RUNNING)
        person.type(form.editor("learning_rate").spin, "0.5")
        person.type(form.editor("slope").spin, "-3")
        assert session.pending == {"slope"}
        assert form._fields["slope"]._pending.isVisible()
        assert not form._fields["learning_rate"]._pending.isVisible()
        person.click(panel.page.controls.reset_button)
        await person.state(session, SessionState.READY)
        assert session.pending == frozenset()
        assert not form._fields["slope"]._pending.isVisible()
        window.commands.run("edit.undo")
        assert session.parameters.slope == 2.0

    run(use)


def test_a_failed_run_is_explained_and_restarted_from_its_checkpoint(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(fault="nan", fault_step=30))
        await asyncio.sleep(0.4)
        await person.state(session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.until(lambda: panel.page.strip.isVisible())
        assert "nan" in panel.page.strip.sentence
        assert "30" in panel.page.strip.sentence or "31" in panel.page.strip.sentence

    run(use)


def test_a_worker_that_crashes_ends_one_session_and_nothing_else(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(fault="segfault", fault_step=30))
        await asyncio.sleep(0.4)
        await person.state(session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.state(session, SessionState.FAILED)
        await person.until(lambda: panel.page.strip.isVisible())
        assert "crashed" in panel.page.strip.sentence
        await person.until(lambda: window.status.sessions.text() == "1 failed")
        person.click(panel.page.strip._mend_button)
        await person.state(session, SessionState.READY, SessionState.PAUSED)

    run(use)


def test_everything_is_there_again_after_a_restart(run, person):
    kept = {}

    async def first():
        window = person.open_window()
        panel = await person.open_paper(window)
        person.type(panel.page.form.editor("steps").spin, "1000000")
        person.type(panel.page.form.editor("slope").spin, "3")
        await asyncio.sleep(0.4)
        await person.state(panel.session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.until(lambda: panel.session.status is not None and panel.session.status.step > 20)
        window.workspace.split("right")
        panel.toggle_fold()
        kept["folder"] = panel.session.run_folder
        window.close()

    async def second():
        window = person.open_window()
        panel = window.panel
        assert len(window.workspace.panes()) == 2
        assert panel is not None
        assert panel.is_folded
        await person.until(lambda: panel.session is not None)
        await person.state(panel.session, SessionState.PAUSED)
        session = panel.session
        assert session.run_folder == kept["folder"]
        assert session.parameters.slope == 3.0
        step = int(session.history["loss"][0][-1])
        assert step > 20
        assert session.information.step == step
        session.train()
        await person.until(lambda: session.status is not None and session.status.step > step + 10)
        steps = session.history["loss"][0]
        assert np.array_equal(steps, np.arange(1, len(steps) + 1))

    run(first)
    run(second)


def test_a_broken_plugin_never_loses_the_rest(run, person, user_plugins):
    shutil.copytree(user_plugins / "tiny", user_plugins / "cracked")
    card = user_plugins / "cracked" / "plugin.toml"
    card.write_text(card.read_text().replace('id = "tiny"', 'id = "cracked"').replace('"Tiny"', '"Cracked"'))

    async def first():
        window = person.open_window()
        await person.open_paper(window, "cracked")
        await person.open_paper(window, "tiny")
        window.close()

    async def second():
        (user_plugins / "cracked" / "panel.py").write_text("1 / 0")
        from workbench.catalog.entry import reload_packages

        reload_packages("workbench_user_plugins.cracked")
        window = person.open_window()
        assert [panel.entry.card.id for panel in window.panels.values()] == ["tiny"]
        assert window.gallery.card("cracked").status_text == "broken: see why"
        window.close()
        assert sorted(panel.plugin for panel in AppState.load().panels) == ["cracked", "tiny"]

    run(first)
    run(second)


def test_the_palette_opens_a_paper_and_runs_commands(run, person):
    async def use():
        window = person.open_window()
        window.commands.action("app.palette").trigger()
        person.type(window.palette_box._field, "")
        window.palette_box.open()
        person.type(window.palette_box._field, "open tiny")
        await person.until(lambda: window.panel is not None)
        window.palette_box.open()
        person.type(window.palette_box._field, "dark theme")
        assert theme().is_dark
        assert json.loads(window.settings.path().read_text())["theme"] == "dark"
        window.palette_box.open()
        person.type(window.palette_box._field, "light theme")
        assert not theme().is_dark

    run(use)


def test_a_run_folder_holds_everything_that_was_promised(run, person, tmp_path):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        panel.session.set_parameters(panel.session.parameters.changed(steps=40))
        panel.session.train()
        await person.state(panel.session, SessionState.FINISHED)
        await panel.export_to("run", tmp_path / "out")
        await panel.export_to("metrics", tmp_path / "m.csv")
        await panel.export_to("weights", tmp_path / "w.safetensors")

    run(use)
    names = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    for name in ("run.json", "metrics.csv", "weights.safetensors", "figures/loss.png", "figures/loss.svg",
                 "figures/loss.pdf", "data/loss.npz"):  # fmt: skip
        assert name in names
    assert json.loads((tmp_path / "out" / "run.json").read_text())["parameters"]["steps"] == 40
    assert len((tmp_path / "m.csv").read_text().splitlines()) == 41
    assert (tmp_path / "w.safetensors").stat().st_size > 0


def test_exporting_where_nothing_can_be_written_says_so_and_goes_on(run, person, tmp_path):
    (tmp_path / "file").write_text("in the way")

    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        await panel.export_to("run", tmp_path / "file" / "out")
        assert panel.page.strip.isVisible()
        assert "file" in panel.page.strip.sentence

    run(use)


def test_a_run_that_was_left_can_be_continued_from_the_gallery(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        panel.session.set_parameters(panel.session.parameters.changed(steps=1000000))
        panel.session.train()
        await person.until(lambda: panel.session.status is not None and panel.session.status.step > 20)
        folder = panel.session.run_folder
        window.close_panel("tiny")
        assert window.panel is None
        store = RunStore(folders().runs)
        await person.until(lambda: [found.path for found, _ in store.to_continue()] == [folder])
        window.show_gallery()
        await person.until(lambda: window.gallery.card("tiny").status_text == "continue")
        run = window.gallery._runs[0]
        window.continue_run(run)
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        await person.state(window.panel.session, SessionState.PAUSED)
        assert window.panel.session.run_folder == folder

    run(use)


def test_closing_a_panel_is_undone_by_reopening_it(run, person):
    async def use():
        window = person.open_window()
        panel = await person.open_paper(window)
        person.type(panel.page.form.editor("slope").spin, "1.25")
        window.commands.run("panel.close")
        assert window.panel is None
        window.commands.run("panel.reopen")
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        assert window.panel.session.parameters.slope == 1.25

    run(use)


def test_the_same_paper_can_be_open_twice(run, person):
    async def use():
        window = person.open_window()
        await person.open_paper(window)
        window.commands.run("panel.duplicate")
        await person.until(lambda: len(window.engine.sessions) == 2)
        assert list(window.panels) == ["tiny", "tiny#2"]
        assert len(window.workspace.panes()) == 2

    run(use)


def test_the_tour_goes_on_by_itself_as_the_person_does_what_it_says(run, person, monkeypatch):
    monkeypatch.setattr("workbench.app.main_window.START_PAPER", "tiny")

    async def use():
        window = person.open_window()
        window.start_tour()
        tour = window._tour
        assert tour is not None
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        session = window.panel.session
        await person.state(session, SessionState.READY)
        assert tour.step == 0
        session.train()
        await person.until(lambda: tour.step >= 1)
        session.pause()
        await person.until(lambda: tour.step >= 2)
        window.panel.page.form._field_edited("slope", 1.0)
        await person.until(lambda: tour.step == 3)
        window.commands.run("view.paper")
        await person.until(lambda: tour.step == 4)
        person.click(tour._next)
        await person.until(lambda: window._tour is None)
        assert not window.settings.first_run

    run(use)


def test_no_control_of_the_window_is_without_a_name(run, person):
    from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit

    async def use():
        window = person.open_window()
        await person.open_paper(window)
        kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox)
        nameless = []
        for kind in kinds:
            for widget in window.findChildren(kind):
                inside = widget.parentWidget()
                is_part = isinstance(
                    inside, QAbstractSpinBox | QComboBox | QLineEdit
                ) or widget.objectName().startswith("qt_")
                has_name = widget.accessibleName() or getattr(widget, "text", lambda: "")()
                if widget.isVisible() and not is_part and not has_name:
                    nameless.append((type(widget).__name__, type(inside).__name__, widget.toolTip()))
        assert nameless == []

    run(use)


def test_the_window_opens_without_torch_or_any_plugins_code():
    code = (
        "import os; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\n"
        "import sys\n"
        "from workbench.app.application import build_window, make_application\n"
        "application = make_application()\n"
        "window = build_window(restore=False, is_saving=False)\n"
        "window.show(); application.processEvents()\n"
        "heavy = ('torch', 'scipy', 'sklearn', 'pyqtgraph', 'vispy', 'markdown_it', 'ziamath', 'qtawesome')\n"
        "print([name for name in heavy if name in sys.modules],\n"
        "      [name for name in sys.modules if name.startswith('plugins.')])\n"
        "window.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[] []", done.stdout + done.stderr
    assert QApplication.instance() is not None


def test_after_a_crash_the_papers_are_back_and_it_says_so(run, person):
    panel = OpenPanel(plugin="tiny", parameters={"fit": {"slope": 4.0}})
    AppState(window={"is_clean": False}, panels=[panel]).save()

    async def use():
        window = person.open_window()
        assert [item.text for item in window.notifications.items if "did not end properly" in item.text]
        await person.until(lambda: window.panel is not None and window.panel.session is not None)
        assert window.panel.session.parameters.slope == 4.0
        window.close()
        assert AppState.load().window["is_clean"] is True

    run(use)


def test_the_application_starts_reports_and_ends_by_itself(tmp_path):
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(tmp_path), START_REPORT_VARIABLE: "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "workbench"], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    report = json.loads(done.stdout.strip().splitlines()[-1])
    assert report["torch"] is False
    assert "Traceback" not in done.stderr
    assert (tmp_path / "config" / "state.json").exists()
