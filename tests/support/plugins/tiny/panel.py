from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout

from workbench.views.experiment_view import ExperimentView


class FitView(ExperimentView):
    hint = "Press the button to push the line."

    def __init__(self, port, parent=None):
        super().__init__(port, parent)
        from workbench.views.curves import CurvesView

        self.label = QLabel("nothing yet")
        self.button = QPushButton("Push")
        self.curves = CurvesView("loss", "Loss", y_label="loss")
        self.button.clicked.connect(self._push)
        self.frames = 0
        layout = QVBoxLayout(self)
        for widget in (self.label, self.button, self.curves):
            layout.addWidget(widget)

    def show_frame(self, frame):
        self.frames += 1
        self.label.setText(f"step {frame.step}: slope {frame.slope:.3f}")

    def show_metrics(self, history):
        self.curves.show_history(history, {"loss": "loss"})

    def _push(self):
        self.port.ask_latest("push", self._pushed, amount=1.0)

    def _pushed(self, pushes):
        self.label.setText(f"pushed {pushes} times")
