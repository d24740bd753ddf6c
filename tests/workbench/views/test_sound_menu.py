"""The button that chooses the sound: the menu a person clicks, what a bad file does, and that it is remembered."""

import pytest

from tests.support.choosing import choose
from tests.support.soundfonts import write_soundfont
from workbench.audio.choice import SoundChoice
from workbench.audio.player import Player
from workbench.views.sound_menu import SoundButton


@pytest.fixture
def button(show):
    return show(SoundButton(Player()), 60, 30)


def entries(menu):
    return {action.text(): action for action in menu.actions() if action.text()}


def opened(button):
    button.fill()
    return entries(button.menu())


def test_a_soundfont_is_chosen_in_the_menu_played_and_remembered(button, show, qtbot, tmp_path, monkeypatch):
    file = write_soundfont(tmp_path / "own.sf2", presets=(("Flute", 73), ("Oboe", 68)))
    assert opened(button)["Synthesiser"].isChecked()
    opened(button)["Choose a SoundFont …"].trigger()
    choose(file)
    qtbot.waitUntil(lambda: button.bank is not None)
    assert button.player._sequencer.bank is button.bank
    assert SoundChoice.load() == SoundChoice(str(file), 0)
    menu = opened(button)
    assert menu["own.sf2"].isChecked()
    assert not menu["Synthesiser"].isChecked()
    entries(menu["Instrument"].menu())["Flute"].trigger()
    qtbot.waitUntil(lambda: button.choice.programme == 73)
    assert "Flute" in button.toolTip()
    other = show(SoundButton(Player()), 60, 30)
    qtbot.waitUntil(lambda: other.bank is button.bank)
    opened(button)["Synthesiser"].trigger()
    qtbot.waitUntil(lambda: button.bank is None)
    assert button.player._sequencer.bank is None
    assert SoundChoice.load() == SoundChoice()


def test_a_bad_file_is_refused_in_a_sentence_and_the_sound_stays(button, qtbot, tmp_path):
    good = write_soundfont(tmp_path / "good.sf2")
    button.choose(SoundChoice(str(good)))
    qtbot.waitUntil(lambda: button.bank is not None)
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"no font at all, this is")
    with qtbot.waitSignal(button.said) as said:
        button.choose(SoundChoice(str(bad)))
    assert said.args[0].startswith("bad.sf2 cannot be used as a SoundFont")
    assert button.choice.path == str(good)
    assert SoundChoice.load().path == str(good)
    assert "good.sf2" in button.toolTip()


def test_a_remembered_file_that_is_gone_is_told_once(button, qtbot, tmp_path):
    SoundChoice(str(tmp_path / "gone.sf2")).save()
    said = []
    button.said.connect(said.append)
    button.refresh()
    qtbot.waitUntil(lambda: bool(said))
    button.refresh()
    qtbot.wait(50)
    assert len(said) == 1
    assert button.bank is None
