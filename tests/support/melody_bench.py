"""The panel of CM-HRNN with its experiments behind it, in one process, for the tests."""

from functools import partial

from plugins.cm_hrnn import panel
from plugins.cm_hrnn.experiments.inspecting import Inspect
from plugins.cm_hrnn.experiments.listen import Ablate, Compare, Harmony, Listen, Structure
from tests.support.panels import ViewBench, benches, drag
from workbench.audio.player import Player

TINY = {"steps": 3, "evaluate_every": 3, "hidden": 16, "batch": 4, "test_songs": 2, "songs": 12}
KINDS = {"Listen": Listen, "Compare": Compare, "Structure": Structure, "Harmony": Harmony, "Ablate": Ablate}
OWN = {"Compare": {"models": ("ad_rm3t_fc_rs", "attention")}, "Structure": {"models": ("ad_rm3t_fc_rs", "vanilla")},
       "Harmony": {"progressions": "C | G ; Am | F"}}  # fmt: skip


class SilentStream:
    """A sound card that hears nothing and whose time the test moves."""

    problem, underflows = "", 0

    def __init__(self, fill):
        self.fill, self.time = fill, 0.0

    def now(self):
        return self.time

    def close(self):
        pass


class MelodyBench(ViewBench):
    """A view of CM-HRNN with a silent player."""

    def __init__(self, name, qtbot, **values):
        kind = {**KINDS, "Inspect": Inspect}[name]
        settings = {"steps": 3, "songs": 6} if name == "Inspect" else {**TINY, **OWN.get(name, {})}
        self.player = Player(SilentStream)
        view = partial(getattr(panel, f"{name}View"), player=self.player)
        super().__init__(view, kind, qtbot, **{**settings, **values})
        self.settle()

    def settle(self):
        """What follows a moment after the last change, at once."""
        if hasattr(self.view, "desk"):
            self.view.desk._settle.stop()
            self.view.desk._settled()

    def train(self):
        super().train()
        self.settle()

    def at(self, beat, pitch):
        return self.view.desk.roll.frame().point(beat, pitch).toPoint()

    def drag_roll(self, start, end, **how):
        """Drag on the roll between two places (pixels), with a stop half-way."""
        drag(self.view.desk.roll.body, start, (start + end) / 2, end, **how)

    def let_go(self):
        self.player.close()
        super().let_go()


def melody_benches(qtbot):
    """The body of a fixture that makes benches of CM-HRNN."""
    yield from benches(lambda name, **values: MelodyBench(name, qtbot, **values))
