"""A sweep from the dialog to its runs, in the real window, driven by a process of its own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from workbench.app.sweep_dialog import SweepDialog
from workbench.runs import RunStore, folders
from workbench.sweeps import SweepStore


def choose(row, kind, text):
    row.how.setCurrentIndex(row.how.findData(kind))
    row.how.activated.emit(row.how.currentIndex())
    row.text.clear()
    QTest.keyClicks(row.text, text)


def test_a_person_sweeps_two_parameters_and_sees_the_runs_come(person, run):
    async def story():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(steps=20))
        window.commands.run("session.sweep")
        dialog = window.findChild(SweepDialog)
        assert not dialog.start.isEnabled()
        assert dialog.start.toolTip().startswith("Nothing varies")
        choose(dialog.rows["learning_rate"], "log", "1 : 0.1")
        assert dialog.count.text() == "learning rate: two rising numbers as low : high, above 0 are expected."
        choose(dialog.rows["learning_rate"], "log", "0.01 : 100")
        assert not dialog.start.isEnabled(), "a draw above the bound is refused before anything starts"
        choose(dialog.rows["learning_rate"], "log", "0.001 : 0.1")
        choose(dialog.rows["slope"], "grid", "1, 2")
        dialog.samples.setValue(2)
        dialog.seeds.setValue(2)
        assert dialog.count.text() == "8 runs"
        dialog.workers.setValue(1)
        person.click(dialog.start)
        await person.until(lambda: panel.header.tab == "Runs")
        (sweep,) = SweepStore().sweeps()
        browser = panel._tab_pages["Runs"]
        assert browser.search.text() == f"sweep={sweep.id}"
        await person.until(lambda: sweep.read().status == "finished", 120)
        await person.until(lambda: browser.model.rowCount() == 8)
        await person.until(lambda: browser.sweeps.text.text() == "finished: 8 done")
        assert {run.parameters["slope"] for run in browser.model.runs} == {1.0, 2.0}
        assert all(run.parameters["steps"] == 20 for run in browser.model.runs)
        browser.sweeps.choose("")
        assert browser.search.text() == ""

    run(story)


def test_a_sweep_is_stopped_and_goes_on_where_it_stood(person, run):
    async def story():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(steps=20, pause=0.2))
        window.commands.run("session.sweep")
        dialog = window.findChild(SweepDialog)
        dialog.seeds.setValue(3)
        dialog.workers.setValue(1)
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        await person.until(lambda: panel.header.tab == "Runs")
        (sweep,) = SweepStore().sweeps()
        bar = panel._tab_pages["Runs"].sweeps
        await person.until(lambda: sweep.counts()["done"] == 1, 120)
        await person.until(bar.stop.isEnabled)
        person.click(bar.stop)
        await person.until(lambda: sweep.read().status == "cancelled", 60)
        await person.until(bar.go_on.isEnabled)
        person.click(bar.go_on)
        await person.until(lambda: sweep.read().status == "finished", 120)
        assert sweep.counts()["done"] == 3
        finished = [
            r.seed for _, r in RunStore(folders().runs).runs() if r.sweep == sweep.id and r.status == "finished"
        ]
        assert sorted(finished) == [0, 1, 2], "the seed that was done before is not done again"

    run(story)
