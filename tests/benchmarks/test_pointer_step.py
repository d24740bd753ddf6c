"""Our training step beside the step that public PyTorch pointer networks take: one LSTM cell and one attention a token.

The test holds the two to the same loss and gradients. `python tests/benchmarks/test_pointer_step.py` measures both, in
turn, at the sizes of the panel and of the paper; timing decides no test.
"""

import statistics
import sys
import time

import pytest
import torch
from torch import nn

from plugins.pointer_networks.model import PointerNetwork, token_loss

SIZES = ((5, 64, 128), (10, 64, 128), (10, 256, 128), (50, 256, 128))
"""Points, hidden units, batch."""
ROUNDS = 7


class StepwisePointerNetwork(nn.Module):
    """The usual public form: cells in Python loops, attention step by step, the chosen input gathered each time."""

    def __init__(self, hidden: int, embedding: int) -> None:
        super().__init__()
        self.embed = nn.Linear(2, embedding)
        self.encoder = nn.LSTMCell(embedding, hidden)
        self.decoder = nn.LSTMCell(embedding, hidden)
        self.W_1, self.W_2 = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.v = nn.Linear(hidden, 1, bias=False)
        self.go, self.e_0 = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(hidden))

    @torch.no_grad()
    def take(self, ours: PointerNetwork) -> None:
        """Take over our weights."""
        self.embed.load_state_dict(ours.embed.state_dict())
        for cell, lstm in ((self.encoder, ours.encoder), (self.decoder, ours.decoder)):
            cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
        self.W_1.load_state_dict(ours.W_1.state_dict())
        self.W_2.load_state_dict(ours.W_2.state_dict())
        self.v.weight.copy_(ours.v[None])
        self.go.copy_(ours.go)
        self.e_0.copy_(ours.e_0)

    def forward(self, points: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of the targets (b, T), all of one length, teacher-forced."""
        batch, count, _ = points.shape
        h = c = points.new_zeros(batch, self.encoder.hidden_size)
        states = [self.e_0.expand(batch, -1)]
        for place in range(count):
            h, c = self.encoder(self.embed(points[:, place]), (h, c))
            states.append(h)
        memory = torch.stack(states, 1)
        inputs, losses = self.go.expand(batch, -1), []
        for place in range(targets.shape[1]):
            h, c = self.decoder(self.embed(inputs), (h, c))
            scores = self.v(torch.tanh(self.W_1(memory) + self.W_2(h)[:, None]))[..., 0]
            losses.append(nn.functional.cross_entropy(scores, targets[:, place]))
            inputs = points[torch.arange(batch), (targets[:, place] - 1).clamp(min=0)]
        return torch.stack(losses).mean()


def made(count, hidden, batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ours = PointerNetwork(2, hidden, 16)
    ours.initialise(0.2, generator)
    theirs = StepwisePointerNetwork(hidden, 16)
    theirs.take(ours)
    points = torch.rand(batch, count, 2, generator=generator)
    order = torch.rand(batch, count, generator=generator).argsort(1) + 1
    return ours, theirs, points, torch.cat([order, torch.zeros_like(order[:, :1])], 1)


def our_loss(ours, points, targets):
    return token_loss(ours.forced(ours.encode(points), targets), targets, torch.ones_like(targets, dtype=torch.bool))


@pytest.mark.parametrize("count", [3, 8])
def test_the_batched_step_has_the_loss_and_gradients_of_the_stepwise_one(count):
    ours, theirs, points, targets = made(count, 12, 6)
    ours, theirs, points = ours.double(), theirs.double(), points.double()
    losses = our_loss(ours, points, targets), theirs(points, targets)
    assert float(losses[0].detach()) == pytest.approx(float(losses[1].detach()), abs=1e-12)
    for loss in losses:
        loss.backward()
    for mine, other in ((ours.v, theirs.v.weight), (ours.go, theirs.go), (ours.e_0, theirs.e_0),
                        (ours.W_1.weight, theirs.W_1.weight), (ours.encoder.weight_hh_l0, theirs.encoder.weight_hh),
                        (ours.decoder.weight_ih_l0, theirs.decoder.weight_ih)):  # fmt: skip
        assert torch.allclose(mine.grad.flatten(), other.grad.flatten(), atol=1e-12)


def _seconds(step, repeats):
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - began) / repeats


def measure() -> None:
    """Print milliseconds a step of both, medians over rounds taken in turn."""
    torch.set_num_threads(1)
    sys.stdout.write("points  hidden  batch   ours ms  stepwise ms  ratio\n")
    for count, hidden, batch in SIZES:
        ours, theirs, points, targets = made(count, hidden, batch)
        steps = []
        for network, loss in ((ours, lambda o=ours, p=points, t=targets: our_loss(o, p, t)),
                              (theirs, lambda o=theirs, p=points, t=targets: o(p, t))):  # fmt: skip
            optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

            def step(optimiser=optimiser, loss=loss, network=network):
                optimiser.zero_grad(set_to_none=True)
                loss().backward()
                nn.utils.clip_grad_norm_(network.parameters(), 2.0)
                optimiser.step()

            step()
            steps.append(step)
        repeats = 10 if count <= 10 and hidden <= 64 else 2
        rounds = [[_seconds(step, repeats) for step in steps] for _ in range(ROUNDS)]
        mine, other = (1000 * statistics.median(values) for values in zip(*rounds, strict=True))
        sys.stdout.write(f"{count:6d}  {hidden:6d}  {batch:5d}  {mine:8.1f}  {other:11.1f}  {other / mine:5.2f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    measure()
