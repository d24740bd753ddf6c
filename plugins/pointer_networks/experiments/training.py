"""What the four experiments share: training on fresh batches, the test over sizes, and answers to any point set."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from plugins.pointer_networks import geometry
from plugins.pointer_networks.contract import (
    LABELS,
    MOST_POINTS,
    ModelAnswer,
    PointerFrame,
    SetAnswer,
    TrainingParameters,
)
from plugins.pointer_networks.decoding import Decoded, Rule, decode, longest_output
from plugins.pointer_networks.files import authors_text, read_authors_text
from plugins.pointer_networks.model import EncoderDecoder, make_model, token_loss
from plugins.pointer_networks.tasks import Scores, Task, checked_points
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action

TEST_SEED = 20_150_609
CHUNK = 100
"""Test sets decoded between two yields."""
P = TypeVar("P", bound=TrainingParameters)
F = TypeVar("F", bound=PointerFrame)


@dataclass
class Look:
    """One look at the test sets: what PointerFrame shows of it."""

    step: int
    tested: int
    accuracy: np.ndarray
    valid: np.ndarray
    quality: np.ndarray
    references: dict[str, np.ndarray]
    ranks: np.ndarray


class Training(Experiment[P, F]):
    """Trains the chosen models side by side; subclasses say on which task."""

    def __init__(self, parameters: P, context: Context) -> None:
        super().__init__(parameters, context)
        self._task = self.make_task()
        self.networks: dict[str, EncoderDecoder] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        for name in parameters.models:
            network = make_model(
                name, self._task.coordinates, parameters.hidden, parameters.embedding, parameters.n_max
            )
            network.to(context.device)
            network.initialise(parameters.initial_range, context.generator)
            kind: Any = torch.optim.Adam if parameters.optimiser == "adam" else torch.optim.SGD
            self.networks[name] = network
            self.optimisers[name] = kind(network.parameters(), lr=parameters.learning_rate)
        self.is_tested = False
        self._sizes = test_sizes(parameters.n_min, parameters.n_max, parameters.test_max)
        self.looked: dict[str, Any] = vars(self._empty_look())
        self._tests: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._pool: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._probe = spread_out(self._task.draw(np.random.default_rng(TEST_SEED), 64, parameters.n_max))

    def make_task(self) -> Task:
        """The task with its options."""
        raise NotImplementedError

    def prepare(self) -> Iterator[Progress]:
        """Draw and label the test sets, the same for every seed, and look at them once."""
        if self.parameters.test_file:
            yield Progress(f"Reading {Path(self.parameters.test_file).name}")
            self._read_tests(Path(self.parameters.test_file))
        for size in self._sizes:
            if size in self._tests:
                continue
            rng = np.random.default_rng([TEST_SEED, size])
            parts = []
            total = self.test_count(size, is_whole=True)
            for start in range(0, total, CHUNK):
                yield Progress(f"Labelling test sets of {size}", start / total)
                points = self._task.draw(rng, min(CHUNK, total - start), size)
                parts.append((points, self._task.label(points)))
            width = max(label.shape[1] for _, label in parts)
            self._tests[size] = (
                np.concatenate([points for points, _ in parts]),
                np.concatenate([geometry.padded(label, width) for _, label in parts]),
            )
        yield from self.evaluate(is_whole=False)

    def _read_tests(self, path: Path) -> None:
        """Take the test sets of a file in the authors' format; sizes that it lacks are drawn as always."""
        found = read_authors_text(path, self._task.name)
        self._tests = {size: (sets.points, sets.slots) for size, sets in found.items()}
        self._sizes = sorted({*self._sizes, *found})
        self.looked = vars(self._empty_look())

    def test_count(self, size: int, is_whole: bool) -> int:
        """Test sets of a size: all of them at the sizes trained at the ends, fewer beyond and while training."""
        own = self.parameters
        if own.test_file and size in self._tests:
            count = len(self._tests[size][0])
            return count if is_whole else min(count, max(20, own.test_sets // 25))
        total = own.test_sets if size in (own.n_min, own.n_max) else max(50, own.test_sets // 4)
        return total if is_whole else max(20, min(200, total // 5))

    def run(self) -> Iterator[Metrics | Progress]:
        """Train every model on the same fresh batches."""
        while self.step < self.parameters.steps:
            own = self.parameters
            points, targets = self.draw_batch()
            metrics: dict[str, Any] = {}
            for name, network in self.networks.items():
                metrics |= self.train(name, network, points, targets)
            self.step += 1
            is_last = self.step >= own.steps
            if is_last or self.step % own.evaluate_every == 0:
                yield from self.evaluate(is_whole=is_last)
                metrics |= self.look_metrics()
            yield metrics
        if not self.is_tested:
            yield from self.evaluate(is_whole=True)

    def draw_batch(self) -> tuple[Float[Tensor, "b n c"], Int64[Tensor, "b T"]]:
        """Points of one random size and their labels, with at least one stop symbol behind each."""
        own, rng = self.parameters, self.context.rng
        size = int(rng.integers(own.n_min, own.n_max + 1))
        points = self._task.draw(rng, own.batch, size)
        labels = self._task.training_label(points, rng)
        used = int((labels > 0).sum(1).max(initial=0))
        return self.tensor(points), torch.from_numpy(geometry.padded(labels, used + 1)).to(self.context.device)

    def train(self, name: str, network: EncoderDecoder, points: Tensor, targets: Tensor) -> dict[str, Any]:
        """Take one step, and return the loss with the shares of right tokens and right sequences."""
        own, optimiser = self.parameters, self.optimisers[name]
        for group in optimiser.param_groups:
            group["lr"] = own.learning_rate * min(1.0, 2 * (1 - self.step / own.steps))
        is_token = torch.cat([torch.ones_like(targets[:, :1], dtype=torch.bool), targets[:, :-1] > 0], 1)
        scores = network.forced(network.encode(points), targets)
        loss = token_loss(scores, targets, is_token)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), own.clip)
        optimiser.step()
        is_hit = (scores.detach().argmax(-1) == targets) | ~is_token
        return {
            f"loss/{name}": loss.detach(),
            f"token/{name}": (is_hit & is_token).sum() / is_token.sum(),
            f"sequence/{name}": is_hit.all(1).float().mean(),
        }

    def tensor(self, points: np.ndarray) -> Float[Tensor, "b n c"]:
        """The coordinates that the models see."""
        seen = np.ascontiguousarray(points[..., : self._task.coordinates], np.float32)
        return torch.from_numpy(seen).to(self.context.device)

    @property
    def rule(self) -> Rule:
        """What decoding allows."""
        return self._task.rule if self.parameters.constrained else "free"

    def decoded(
        self, name: str, points: np.ndarray, *, rule: Rule | None = None, beam: int | None = None,
        prefix: Sequence[int] = (),
    ) -> Decoded:  # fmt: skip
        """Decode a batch with one model, with what the parameters say unless told otherwise."""
        return decode(
            self.networks[name], self.tensor(points), rule=rule or self.rule, beam=beam or self.parameters.beam,
            longest=longest_output(self._task.rule, points.shape[1]), prefix=prefix,
        )  # fmt: skip

    def judged(self, name: str, size: int, count: int, **options: Any) -> Iterator[Progress | Scores]:
        """Decode and judge the first `count` test sets of a size; the scores come last."""
        parts = []
        for start in range(0, count, CHUNK):
            yield Progress(f"Testing {LABELS[name]} on {size} points", start / count)
            points, truth = (own[start : min(start + CHUNK, count)] for own in self._tests[size])
            slots = self.decoded(name, points, **options).slots.cpu().numpy()
            parts.append(self._task.judge(points, slots, truth))
        yield Scores(*(np.concatenate([getattr(part, key) for part in parts])
                       for key in ("is_right", "is_valid", "quality")))  # fmt: skip

    def evaluate(self, *, is_whole: bool) -> Iterator[Progress]:
        """Look at the test sets of every size with every model that can take them."""
        look = self._empty_look()
        look.step = self.step
        look.tested = self.test_count(self.parameters.n_max, is_whole)
        for column, size in enumerate(self._sizes):
            count = self.test_count(size, is_whole)
            for row, (name, network) in enumerate(self.networks.items()):
                if network.longest is not None and size > network.longest:
                    continue
                scores = None
                for said in self.judged(name, size, count):
                    if isinstance(said, Progress):
                        yield said
                    else:
                        scores = said
                assert scores is not None
                look.accuracy[row, column] = scores.is_right.mean()
                look.valid[row, column] = scores.is_valid.mean()
                good = scores.quality[np.isfinite(scores.quality)]
                look.quality[row, column] = good.mean() if len(good) else np.nan
                if size == self.parameters.n_max:
                    look.ranks[row] = self.by_rank(scores, self._tests[size][1][:count], size)
        look.references = self.references(is_whole)
        self.looked = vars(look)
        self.is_tested = self.is_tested or is_whole

    def by_rank(self, scores: Scores, truth: np.ndarray, size: int) -> np.ndarray:
        """Accuracy in each third of the test sets by when their output's points come in the input."""
        return np.full(3, np.nan)

    def references(self, is_whole: bool) -> dict[str, np.ndarray]:
        """Numbers to compare the quality with, one a test size."""
        return {}

    def _empty_look(self) -> Look:
        shape = (len(self.networks), len(self._sizes))
        return Look(0, 0, *(np.full(shape, np.nan) for _ in range(3)), {}, np.full((len(self.networks), 3), np.nan))

    @property
    def look(self) -> Look:
        """The last look at the test sets."""
        return Look(**self.looked)

    def look_metrics(self) -> dict[str, float]:
        """What the last look found at the largest size trained."""
        column, look = self._sizes.index(self.parameters.n_max), self.look
        metrics = {}
        for row, name in enumerate(self.networks):
            metrics[f"accuracy/{name}"] = float(look.accuracy[row, column])
            metrics[f"valid/{name}"] = float(look.valid[row, column])
            if np.isfinite(quality := look.quality[row, column]):
                metrics[f"quality/{name}"] = float(quality)
        return metrics

    def frame(self) -> PointerFrame:
        """The probe set's answers, decoded now, and the last look."""
        look, own = self.look, self.parameters
        return PointerFrame(
            self.step, look.step, look.tested, tuple(self.networks), (own.n_min, own.n_max),
            self.answers_to(self._probe), np.array(self._sizes), look.accuracy, look.valid, look.quality,
            look.references, look.ranks,
        )  # fmt: skip

    @action
    def answer(self, points: np.ndarray, prefix: Sequence[int] = (), prefix_of: str = "") -> SetAnswer:
        """Decode a point set with every model; `prefix` forces the first slots of the model `prefix_of`."""
        checked = checked_points(points, MOST_POINTS)
        forced = [int(slot) for slot in prefix]
        if any(not 0 <= slot <= len(checked) for slot in forced):
            raise UserError(f"A forced choice must be 0 (stop) or one of the {len(checked)} points.")
        return self.answers_to(checked, forced, prefix_of)

    @action
    def worst_order(self, points: np.ndarray, model: str = "pointer", rounds: int = 3) -> Iterator[Any]:
        """Look for the input order to which a model gives the lowest likelihood of the right output."""
        checked = checked_points(points, 20)
        if model not in self.networks:
            raise UserError(f"{LABELS.get(model, model)} is not among the models of this run.")
        network, count = self.networks[model], len(checked)
        if network.longest is not None and count > network.longest:
            raise UserError(f"{LABELS[model]} has no words for more than {network.longest} points.")
        order = np.arange(count)
        first, second = np.triu_indices(count, 1)
        lowest = float(self.likelihoods(network, checked[order][None])[0])
        for _ in range(rounds):
            yield Progress(f"Log-likelihood {lowest:.2f}")
            swapped = np.tile(order, (len(first), 1))
            rows = np.arange(len(first))
            swapped[rows, first], swapped[rows, second] = order[second], order[first]
            found = self.likelihoods(network, checked[swapped])
            if found.min() >= lowest - 1e-6:
                break
            lowest, order = float(found.min()), swapped[found.argmin()]
        return order

    @torch.no_grad()
    def likelihoods(self, network: EncoderDecoder, points: np.ndarray) -> np.ndarray:
        """Log-likelihood of the right output of each set."""
        labels = self._task.label(points)
        targets = torch.from_numpy(geometry.padded(labels, labels.shape[1] + 1)).to(self.context.device)
        logs = torch.log_softmax(network.forced(network.encode(self.tensor(points)), targets), -1)
        own = logs.gather(-1, targets[..., None])[..., 0]
        is_token = torch.cat([torch.ones_like(targets[:, :1], dtype=torch.bool), targets[:, :-1] > 0], 1)
        return np.asarray(own.masked_fill(~is_token, 0.0).sum(1).cpu())

    def answers_to(self, points: np.ndarray, prefix: Sequence[int] = (), prefix_of: str = "") -> SetAnswer:
        """Answers of every model, judged against the right output."""
        truth = self._task.label(points[None])
        answers = {}
        for name, network in self.networks.items():
            if network.longest is not None and len(points) > network.longest:
                refusal = f"{LABELS[name]} has no words for more than {network.longest} points."
                answers[name] = ModelAnswer(np.zeros(0, np.int64), np.zeros((0, len(points) + 1)), float("nan"), False,
                                            False, float("nan"), (), refusal)  # fmt: skip
                continue
            found = self.decoded(name, points[None], prefix=prefix if name == prefix_of else ())
            slots = found.slots.cpu().numpy()
            scores = self._task.judge(points[None], slots, truth)
            beams = [(found.slots, found.log_probability), *found.others]
            answers[name] = ModelAnswer(
                slots[0], found.probabilities[0].cpu().numpy(), float(found.log_probability[0]),
                bool(scores.is_right[0]), bool(scores.is_valid[0]), float(scores.quality[0]),
                tuple((own[0].cpu().numpy(), float(log[0])) for own, log in beams if torch.isfinite(log[0])),
            )  # fmt: skip
            if states := self.states_of(network, points):
                answers[name] = replace(answers[name], states=states[0], explained=states[1])
        others, is_exact, note = self.further(points)
        return SetAnswer(self._task.name, points, truth[0], is_exact, answers, others, note)

    @torch.no_grad()
    def states_of(self, network: EncoderDecoder, points: np.ndarray) -> tuple[np.ndarray, tuple[float, float]] | None:
        """The encoder's states e_j on their first two principal axes (n, 2), and the shares of variance of these."""
        if len(points) < 3:
            return None
        states = network.encode(self.tensor(points[None])).states[0, 1:].double()
        centred = states - states.mean(0)
        u, s, _ = torch.linalg.svd(centred, full_matrices=False)
        shares = s.square() / s.square().sum().clamp(min=1e-30)
        return (u[:, :2] * s[:2]).cpu().numpy(), (float(shares[0]), float(shares[1]))

    @action
    def candidates(self, points: np.ndarray, model: str = "pointer", width: int = 6) -> tuple[Any, ...]:
        """Outputs that a beam search of this width keeps, best first, each with the log-probability of every step."""
        checked = checked_points(points, MOST_POINTS)
        network = self.networks.get(model)
        if network is None or (network.longest is not None and len(checked) > network.longest):
            return ()
        found = self.decoded(model, checked[None], beam=width)
        beams = [(found.slots, found.log_probability), *found.others]
        made = []
        for slots, log in beams:
            if torch.isfinite(log[0]):
                own = self._through_stop(slots[0].tolist())
                made.append((np.array(own), self.step_logs(network, checked, own)))
        return tuple(made)

    @staticmethod
    def _through_stop(slots: list[int]) -> list[int]:
        return slots[: slots.index(0) + 1] if 0 in slots else slots

    @torch.no_grad()
    def step_logs(self, network: EncoderDecoder, points: np.ndarray, slots: Sequence[int]) -> np.ndarray:
        """Log-probability of each step of one output (T,)."""
        targets = torch.tensor([list(slots)], device=self.context.device)
        logs = torch.log_softmax(network.forced(network.encode(self.tensor(points[None])), targets), -1)
        found: np.ndarray = logs.gather(-1, targets[..., None])[0, :, 0].cpu().numpy()
        return found

    def further(self, points: np.ndarray) -> tuple[tuple[tuple[str, float, np.ndarray], ...], bool, str]:
        """Other solvers' answers, whether the truth is exact, and what to say about this set."""
        return (), True, ""

    def save_artefacts(self, folder: Path) -> None:
        """Write the answers to the probe, the test over sizes, and test sets in the authors' text format."""
        found, look = self.answers_to(self._probe), self.look
        with (folder / "test_over_sizes.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["model", "points", "accuracy", "valid", "quality"])
            for row, name in enumerate(self.networks):
                for column, size in enumerate(self._sizes):
                    numbers = (table[row, column] for table in (look.accuracy, look.valid, look.quality))
                    writer.writerow([name, size, *(f"{number:.6g}" for number in numbers)])
        answer = {"points": found.points.tolist(), "truth": found.truth.tolist()}
        answer |= {name: geometry.chosen(own.slots).tolist() for name, own in found.answers.items()}
        (folder / "answer.json").write_text(json.dumps(answer, indent=1), encoding="utf-8")
        points, truth = self._tests.get(self.parameters.n_max, (np.zeros((0, 0, 2)), np.zeros((0, 0), np.int64)))
        (folder / "test_sets.txt").write_text(authors_text(points, truth, self._task.name), encoding="utf-8")


def test_sizes(low: int, high: int, most: int) -> list[int]:
    """Sizes to test at: the ends of what is trained, its middle, and a few beyond."""
    beyond = np.linspace(high, most, 4).round().astype(int).tolist()
    return sorted({low, (low + high + 1) // 2, high, *beyond})


def spread_out(sets: Float[np.ndarray, "b n 2"]) -> Float[np.ndarray, "n 2"]:
    """The set whose two closest points are farthest apart, to be shown."""
    apart = np.linalg.norm(sets[:, :, None] - sets[:, None], axis=-1) + 2 * np.eye(sets.shape[1])
    chosen: np.ndarray = sets[apart.min((1, 2)).argmax()]
    return chosen
