"""What the experiments that are scored in degrees share: the test set, the look at it, single cases, frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from plugins.rotation_continuity.evaluation import CHUNK, RotationEvaluation, errors_of_all, evaluate_rotations
from plugins.rotation_continuity.experiments.common import as_rotation, finish, is_current
from plugins.rotation_continuity.frames import CaseAnswer, SanityFrame
from plugins.rotation_continuity.networks import Ensemble, seed_generators
from plugins.rotation_continuity.representations import Representation
from workbench.sdk import Context, Experiment, Parameters, Progress, UserError, action
from workbench.toolkit.rotations import matrix_to_rotation_vector, rotation_angle

P = TypeVar("P", bound=Parameters)
F = TypeVar("F", bound=SanityFrame)

TEST_SEED = 20_181_217  # the paper's day on arXiv; any fixed number would do


class RotationTest(Experiment[P, F]):
    """Networks of several representations and seeds that predict rotations, and their test set.

    State: the stacked networks, one Adam over them, and each seed's generator of training data. A subclass calls
    `build` in `__init__` and `set_test` in `prepare`, where it also looks once so that the first frame is cheap,
    implements `raw_codes`, and trains in its own `run`.
    """

    live_cases = 1200
    """Test cases that are evaluated while training goes on, and drawn as points."""
    chunk = CHUNK
    """Networks times test cases of one forward pass."""

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self._test: Float[Tensor, "n 3 3"] = torch.empty(0, 3, 3)
        self._shown: dict[str, np.ndarray] = {}
        self._evaluation: RotationEvaluation | None = None

    def build(self, body: nn.Module, representations: Sequence[Representation], seeds: int, *, extra: int = 0) -> None:
        """Make networks, optimiser and generators for `seeds` seeds from the context's on."""
        self._seeds = tuple(range(self.context.seed, self.context.seed + seeds))
        self.network = Ensemble(body, representations, self._seeds, extra=extra).to(self.context.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.generators = seed_generators(self._seeds, self.context.device)

    def set_test(self, rotations: Float[Tensor, "n 3 3"]) -> None:
        """Give the test set, and derive what is drawn of it."""
        self._test = rotations.to(self.context.device)
        shown = self._test[: self.live_cases]
        self._shown = {
            "cases": np.arange(len(shown)),
            "ball": matrix_to_rotation_vector(shown).cpu().numpy(),
            "angles": torch.rad2deg(rotation_angle(shown)).cpu().numpy(),
        }

    def raw_codes(self, rotations: Float[Tensor, "b 3 3"], cases: Tensor) -> Float[Tensor, "r s b o"]:
        """Networks' outputs where the true rotations are these and the other inputs those of the test `cases`."""
        raise NotImplementedError

    def evaluate(self, *, whole: bool) -> Iterator[Progress]:
        """Look at the test set, at all of it or at the live part, and keep what was seen for the frames."""
        for said in self._look(whole=whole):
            if isinstance(said, RotationEvaluation):
                self._evaluation = said
            else:
                yield said

    def _look(self, *, whole: bool) -> Iterator[Progress | RotationEvaluation]:
        test = self._test if whole else self._test[: self.live_cases]
        cases = torch.arange(len(test))
        return evaluate_rotations(
            self.network, test, lambda piece: self.raw_codes(test[piece], cases[piece]), self.step, self.chunk
        )

    @property
    def test_rotations(self) -> Float[Tensor, "n 3 3"]:
        """True rotations of the test set."""
        return self._test

    @property
    def is_tested(self) -> bool:
        """Whether the last look was at the whole test set, with the networks as they are."""
        seen = self._evaluation
        return seen is not None and seen.step == self.step and seen.tested == len(self._test)

    def last_look(self, every: int) -> RotationEvaluation:
        """Return the last look at the test set, or a new one if it is older than `every` steps."""
        if not is_current(self._evaluation, self.step, every):
            self._evaluation = finish(self._look(whole=False))
        return self._evaluation

    def whole_look(self) -> RotationEvaluation:
        """Return a look at the whole test set."""
        return self._evaluation if self.is_tested else finish(self._look(whole=True))

    @torch.no_grad()
    def answer(self, rotations: Float[Tensor, "b 3 3"], cases: Tensor) -> tuple[Tensor, Tensor]:
        """First seed's predictions (r, b, 3, 3) and errors in degrees (r, b)."""
        predicted = self.network.decode(self.raw_codes(rotations, cases), evaluated=True).squeeze(3)
        return predicted[:, 0], errors_of_all(self.network, predicted, rotations)[:, 0]

    def frame_fields(self, every: int) -> dict[str, Any]:
        """Fields of a SanityFrame: the last look, and what every network makes of the first test case now."""
        evaluation = self.last_look(every)
        predicted, _ = self.answer(self._test[:1], torch.zeros(1, dtype=torch.int64))
        return {
            **evaluation.frame_fields(self.network.names, self.step),
            **self._shown,
            "errors": evaluation.errors[:, 0, : self.live_cases],
            "orthogonality": evaluation.orthogonality,
            "determinant": evaluation.determinant,
            "truth": self._test[0].cpu().numpy(),
            "predicted": predicted[:, 0].cpu().numpy(),
        }

    @action
    def rotate(self, matrix: np.ndarray) -> CaseAnswer:
        """Ask every network for one rotation."""
        return self.case_answer(as_rotation(matrix).to(self.context.device), -1)

    @action
    def case(self, index: int) -> CaseAnswer:
        """Ask every network for one case of the test set."""
        self.check_case(index)
        return self.case_answer(self._test[index], index)

    def check_case(self, index: int) -> None:
        """Raise UserError for a test case that is not there."""
        if not 0 <= index < len(self._test):
            raise UserError(f"There are test cases 0 to {len(self._test) - 1}; {index} is none of them.")

    def case_answer(self, truth: Float[Tensor, "3 3"], index: int) -> CaseAnswer:
        """Ask every network for `truth`, with the other inputs of test case `index` (of the first for -1)."""
        predicted, errors = self.answer(truth[None], torch.tensor([max(index, 0)]))
        return CaseAnswer(
            index, self.network.names, truth.cpu().numpy(), predicted[:, 0].cpu().numpy(), errors[:, 0].cpu().numpy()
        )
