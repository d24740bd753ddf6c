"""Parts of the panel that several experiments use."""

from __future__ import annotations

from workbench.sdk import MetricsHistory
from workbench.views import CurvesView

MODEL_COLOURS = {
    "unstacked": 0, "unstacked_plain": 1, "stacked": 2, "stacked_plain": 3, "fnn": 4, "resnet": 5, "seq2seq": 6,
}  # fmt: skip


def show_learning(view: CurvesView, history: MetricsHistory) -> None:
    """Loss faint, errors on training and test sets, and the test error without its outliers."""
    if "loss" in history:
        view.set_series("loss", *history["loss"], color="muted", faint=True, label="loss of the batch")
    for name, label, color, style in (
        ("mse/train", "train", 0, "solid"), ("mse/test", "test", 1, "solid"),
        ("mse/trimmed", "test, no outliers", 1, "dash"),
    ):  # fmt: skip
        if name in history:
            view.set_series(name, *history[name], color=color, label=label, style=style)
