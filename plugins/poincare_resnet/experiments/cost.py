"""What automatic differentiation keeps and takes, and what the backward passes derived by hand do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from plugins.poincare_resnet.contract import CostFrame, CostParameters
from plugins.poincare_resnet.model import Design, ResNet
from workbench.sdk import Context, Experiment, Metrics, Progress
from workbench.toolkit import hyperbolic, hyperbolic_backward

KINDS = {"autograd": hyperbolic, "manual": hyperbolic_backward}
NETWORK = "network step"
FRECHET = "network step, Fréchet"


def map_names() -> tuple[str, ...]:
    """The measured maps and networks, in the order of the steps."""
    return ("x ⊕ y", "exp0", "log0", "λ", "exp_x", "log_x", "exp_x ∘ log_x", NETWORK, FRECHET)


class Cost(Experiment[CostParameters, CostFrame]):
    """Each step measures one map or network under both kinds of gradients."""

    def __init__(self, parameters: CostParameters, context: Context) -> None:
        super().__init__(parameters, context)
        self.saved: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.milliseconds: dict[str, list[float]] = {kind: [] for kind in KINDS}

    @property
    def total_steps(self) -> int:
        """How many maps and networks are measured."""
        return len(map_names())

    def run(self) -> Iterator[Metrics | Progress]:
        """Measure the next one: bytes first, then the median time of several passes."""
        while self.step < self.total_steps:
            name = map_names()[self.step]
            metrics: dict[str, float] = {}
            measured: dict[str, tuple[float, float]] = {}
            for kind in KINDS:
                work = self._work(name, kind)
                kept = saved_bytes(work)
                times = []
                for _ in range(self.parameters.repeats):
                    began = time.perf_counter()
                    result = work()
                    result.backward(torch.ones_like(result))
                    if self.context.device.type == "cuda":
                        torch.cuda.synchronize()
                    times.append(1000 * (time.perf_counter() - began))
                    yield Progress(f"{name}, {kind}")
                measured[kind] = float(kept), float(np.median(times))
                metrics |= {f"bytes/{kind}": measured[kind][0], f"milliseconds/{kind}": measured[kind][1]}
            for kind, (kept, median) in measured.items():
                self.saved[kind].append(kept)
                self.milliseconds[kind].append(median)
            self.step += 1
            yield metrics

    def _work(self, name: str, kind: str) -> Callable[[], Tensor]:
        """A function that runs forward."""
        own, device, c = self.parameters, self.context.device, 1.0
        if name in (NETWORK, FRECHET):
            return self._network_step("frechet" if name == FRECHET else "midpoint", kind)
        generator = torch.Generator(device).manual_seed(self.context.seed)

        def draw() -> Tensor:
            v = 0.3 * torch.randn(own.points, own.dimensions, generator=generator, device=device)
            return hyperbolic.exp0(v / own.dimensions**0.5, c).requires_grad_()

        x, y, maps = draw(), draw(), KINDS[kind]
        calls: dict[str, Callable[[], Tensor]] = {
            "x ⊕ y": lambda: maps.mobius_add(x, y, c), "exp0": lambda: maps.exp0(x, c),
            "log0": lambda: maps.log0(x, c), "λ": lambda: maps.conformal_factor(x, c),
            "exp_x": lambda: maps.expmap(x, y, c), "log_x": lambda: maps.logmap(x, y, c),
            "exp_x ∘ log_x": lambda: maps.expmap(x, maps.logmap(x, y, c), c),
        }  # fmt: skip
        return calls[name]

    def _network_step(self, mean: str, kind: str) -> Callable[[], Tensor]:
        own, device = self.parameters, self.context.device
        torch.manual_seed(self.context.seed)
        network = ResNet(Design(blocks=own.blocks, mean=mean, gradients=kind)).to(device)  # type: ignore[arg-type]
        images, labels = torch.randn(own.batch, 1, 8, 8, device=device) / 2, torch.arange(own.batch, device=device) % 10
        return lambda: functional.cross_entropy(network(images), labels)

    def frame(self) -> CostFrame:
        """What was measured so far."""
        return CostFrame(
            map_names()[: self.step],
            {kind: np.array(values) for kind, values in self.saved.items()},
            {kind: np.array(values) for kind, values in self.milliseconds.items()},
        )

    def save_artefacts(self, folder: Path) -> None:
        """Write the table."""
        with (folder / "cost.csv").open("w", encoding="utf-8") as file:
            file.write("what,bytes autograd,bytes manual,ms autograd,ms manual\n")
            for index, name in enumerate(map_names()[: self.step]):
                cells = [self.saved[kind][index] for kind in KINDS] + [self.milliseconds[kind][index] for kind in KINDS]
                file.write(",".join([f'"{name}"', *map(repr, cells)]) + "\n")


def saved_bytes(work: Callable[[], Tensor]) -> int:
    """Bytes of the distinct tensors that a forward pass keeps for its backward pass, arguments included."""
    seen: dict[tuple[int, int], int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr(), storage.nbytes()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = work()
    del result
    return sum(seen.values())
