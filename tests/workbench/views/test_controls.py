import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSlider, QToolButton

from workbench.views.controls import FrameScrubber, LabelledSlider, SegmentedButtons


def test_a_log_slider_steps_by_factors_and_agrees_with_its_box(show, qtbot):
    control = show(LabelledSlider("rate", 1e-4, 1.0, 1e-2, log=True, decimals=5), 400, 40)
    slider, box = control.findChild(QSlider), control.findChild(QDoubleSpinBox)
    assert slider.value() == slider.maximum() // 2
    with qtbot.waitSignal(control.value_changed) as caught:
        slider.setValue(slider.maximum() // 4)
    assert caught.args[0] == pytest.approx(1e-3, rel=0.02)
    assert box.value() == pytest.approx(1e-3, rel=0.02)
    with qtbot.waitSignal(control.value_changed):
        box.setValue(1.0)
    assert slider.value() == slider.maximum()


def test_setting_a_value_says_nothing_and_stays_in_range(show, qtbot):
    control = show(LabelledSlider("steps", 1, 10, 5, decimals=0), 400, 40)
    with qtbot.assertNotEmitted(control.value_changed):
        control.set_value(99)
    assert control.value == 10
    assert isinstance(control.value, int)


def test_a_slider_from_zero_cannot_be_logarithmic(qtbot):
    with pytest.raises(ValueError, match="log scale"):
        LabelledSlider("rate", 0, 1, 0.5, log=True)


def test_exactly_one_segment_is_down_and_picking_says_which(show, qtbot):
    control = show(SegmentedButtons([("camera", "Camera"), ("object", "Object")]), 300, 40)
    second = control.findChildren(QToolButton)[1]
    with qtbot.waitSignal(control.chosen) as caught:
        qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
    assert caught.args == ["object"]
    assert control.value == "object"
    with qtbot.assertNotEmitted(control.chosen):
        qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
        control.set_value("camera")
    assert control.value == "camera"


def test_playing_runs_through_the_frames_and_stops_at_the_end_without_loop(show, qtbot):
    control = show(FrameScrubber(5, frames_per_second=200), 400, 40)
    play, loop = control.findChildren(QToolButton)
    qtbot.mouseClick(loop, Qt.MouseButton.LeftButton)
    seen = []
    control.frame_changed.connect(seen.append)
    with qtbot.waitSignal(control.playing_changed, check_params_cb=lambda playing: not playing, timeout=5000):
        qtbot.mouseClick(play, Qt.MouseButton.LeftButton)
    assert seen == [1, 2, 3, 4]
    assert control.frame == 4


def test_playing_loops(show, qtbot):
    control = show(FrameScrubber(3, frames_per_second=200), 400, 40)
    with qtbot.waitSignals([control.frame_changed] * 4, timeout=5000):
        control.set_playing(True)
    control.set_playing(False)


def test_without_frames_it_says_why_it_is_disabled(show):
    control = show(FrameScrubber(0), 400, 40)
    assert not control.isEnabled()
    assert "nothing to play" in control.toolTip()
    control.set_count(10)
    assert control.isEnabled()
    control.set_frame(7)
    control.set_count(5)
    assert control.frame == 4
