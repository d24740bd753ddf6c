"""The Reproduce and Runs tabs in the real window, with the real engine and the tiny plugin."""

from __future__ import annotations

import json

from PySide6.QtCore import Qt

from workbench.engine import SessionState
from workbench.runs import Reproductions


def test_a_person_runs_a_claim_reads_the_verdict_and_writes_a_report(person, run, tmp_path):
    async def story():
        window = person.open_window()
        panel = await person.open_paper(window)
        window.commands.run("view.reproduce")
        tab = panel._tab_pages["Reproduce"]
        await person.until(lambda: len(tab.cards) == 2)
        card = tab.cards["learns"]
        await person.until(lambda: card.claim.cost)
        assert tab.summary.text().startswith("0 of 2 claims hold · 2 not run")
        assert card.verdict.text() == "not run"
        person.click(card.button)
        await person.until(lambda: card.result is not None)
        assert card.verdict.text() == "holds"
        assert card.is_own
        assert "yours" in dict(card.facts)
        assert card.figure is not None
        person.click(tab.run_all)
        await person.until(lambda: tab.cards["never"].result is not None)
        assert tab.cards["never"].verdict.text() == "does not hold"
        assert dict(tab.cards["never"].facts)["why"] == "Pigs have no wings."
        await person.until(lambda: not tab.stop.isEnabled())
        for suffix in ("html", "md", "json"):
            tab.write_report(tmp_path / f"r.{suffix}")
        assert "<svg" in (tmp_path / "r.html").read_text()
        assert json.loads((tmp_path / "r.json").read_text())["claims"]["learns"]["holds"] is True
        tab.write_report(tmp_path / "r.doc")
        assert ".md, .html, .json" in tab.strip.sentence
        card.forget_asked.emit("learns")
        assert card.verdict.text() == "not run"
        assert "learns" not in Reproductions().of("tiny")

    run(story)


def test_a_person_finds_a_run_again_and_goes_on_with_it(person, run):
    async def story():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(steps=100_000_000))
        await person.state(session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.until(lambda: session.status is not None and session.status.step > 50)
        session.pause()
        await person.state(session, SessionState.PAUSED)
        folder, step = session.run_folder, session.status.step
        session.set_parameters(session.parameters.changed(steps=30))
        session.reset()
        await person.state(session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.state(session, SessionState.FINISHED)
        window.commands.run("view.runs")
        browser = panel._tab_pages["Runs"]
        await person.until(lambda: len(browser.model.runs) == 2)
        assert {run.shown_status for run in browser.model.runs} == {"paused", "finished"}
        person.type(browser.search, "status=paused")
        await person.until(lambda: browser.model.rowCount() == 1)
        browser.table.selectRow(0)
        browser._actions["continue"].trigger()
        assert panel.header.tab == "Live"
        await person.state(session, SessionState.PAUSED)
        assert session.run_folder == folder
        assert session.information.step == step
        assert session.parameters.steps == 100_000_000

    run(story)


def test_parameters_of_a_run_are_opened_as_one_undoable_step_also_from_the_window_of_all_runs(person, run):
    async def story():
        window = person.open_window()
        panel = await person.open_paper(window)
        session = panel.session
        session.set_parameters(session.parameters.changed(steps=30))
        session.set_seed(7)
        session.reset()
        await person.state(session, SessionState.READY)
        person.click(panel.page.controls.train_button)
        await person.state(session, SessionState.FINISHED)
        session.set_parameters(session.parameters.changed(steps=500))
        session.set_seed(1)
        await person.focus(panel)
        person.press(panel, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        await person.until(lambda: window._runs is not None and len(window._runs.model.runs) == 1)
        runs = window._runs
        assert runs.model.text(runs.model.runs[0], "paper") == panel.entry.card.short
        runs.select(runs.model.runs[0].id)
        runs._actions["parameters"].trigger()
        await person.until(lambda: session.parameters.steps == 30)
        assert session.seed == 7
        panel.undo_stack.undo()
        assert session.parameters.steps == 500

    run(story)
