"""Experiment "fractional": the fractional Laplacian on the unit disc, DeepONet beside the CNN, all orders at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import map_coordinates
from torch import Tensor

from plugins.deeponet import exports
from plugins.deeponet.contract import FractionalParameters
from plugins.deeponet.experiments.operator import FIRST_LOOKS
from plugins.deeponet.fractional import (
    HIGHEST_ORDER,
    LARGEST_RADIUS,
    LOWEST_ORDER,
    polar_grid,
    sobol_coefficients,
    square_grid,
    zernike,
    zernike_laplacian,
)
from plugins.deeponet.frames import DiscAnswer, FractionalFrame
from plugins.deeponet.model import DeepONet, LatentCNN
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.data_cache import cached
from workbench.toolkit.field_models import parameter_count

CASES = 24
SHOWN = 64
"""Pixels a side of the pictures."""
MIDDLE_ORDER = 0.5
CHUNK = 50
TEST_SEED, CASE_SEED = 700_000, 800_000
BUMP_POWER = 1.75
"""The authors' fabricated test: (1 - r^2)^(1 + 1.5 / 2), here projected onto the polynomials."""


class Fractional(Experiment[FractionalParameters, FractionalFrame]):
    """One DeepONet whose trunk reads (x, y, alpha), and one CNN with an image for each order."""

    def __init__(self, parameters: FractionalParameters, context: Context) -> None:
        super().__init__(parameters, context)
        own = parameters
        self.data_seed = context.seed
        """Decides the data; a resumed run makes those of its own seed again."""
        self._made_for: int | None = None
        self._points, self._polar = polar_grid(own.grid)
        self._orders = np.linspace(LOWEST_ORDER, HIGHEST_ORDER, own.orders)
        self.networks: list[torch.nn.Module] = []
        for name in own.models:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(context.seed)
                network: torch.nn.Module
                if name == "deeponet":
                    network = DeepONet(
                        own.grid**2, 3, width=own.width, basis=own.width, branch_depth=own.depth, trunk_depth=own.depth,
                        activation=own.activation, seeds=(context.seed,),
                    )  # fmt: skip
                else:
                    network = LatentCNN(own.grid, own.orders, latent=own.latent)
            self.networks.append(network.to(context.device))
        self.optimizers = [torch.optim.Adam(network.parameters(), lr=own.learning_rate) for network in self.networks]
        self.numbers: dict[str, float] = {}
        between = (self._orders[1:] + self._orders[:-1]) / 2
        self._asked = np.sort(np.concatenate((self._orders, between)))
        self._errors = np.full((len(own.models), len(self._asked)), np.nan)
        pixels = square_grid(SHOWN)
        radius = np.hypot(*pixels.T)
        self._pixels, self._inside, self._in_reach = pixels, radius < 1, radius <= LARGEST_RADIUS
        self._shapes = zernike(pixels[self._inside], own.degree)
        self._operators: dict[float, np.ndarray] = {}

    # Data

    def prepare(self) -> Iterator[Progress]:
        """Draw functions, and apply the closed form at every location and order."""
        own, device = self.parameters, self.context.device
        self._readings = zernike(self._points, own.degree)
        matrices = []
        for index, order in enumerate(self._asked):
            matrices.append(zernike_laplacian(self._points, own.degree, float(order)))
            yield Progress("Fractional Laplacians of the polynomials", index / len(self._asked))
        self._matrices = np.stack(matrices)
        for name, count, seed in (
            ("train", own.functions, self.data_seed), ("test", own.test_functions, TEST_SEED + self.data_seed)
        ):  # fmt: skip
            key = {"degree": own.degree, "bound": own.bound, "grid": own.grid, "orders": own.orders, "count": count,
                   "seed": seed, "version": 1}  # fmt: skip

            def make(count: int = count, seed: int = seed, name: str = name) -> Iterator[Progress | dict[str, Any]]:
                return self._solve(count, seed, name)

            for said in cached(self.context.cache, "deeponet-fractional", key, make):
                if isinstance(said, Progress):
                    yield said
                else:
                    setattr(self, f"_{name}", {part: torch.as_tensor(v).to(device) for part, v in said.items()})
        self._case_coefficients = sobol_coefficients(CASES, own.degree, own.bound, CASE_SEED + self.data_seed)
        self._made_for = self.data_seed
        yield from self._evaluate()
        with torch.no_grad():
            self.frame()

    def _solve(self, count: int, seed: int, purpose: str) -> Iterator[Progress | dict[str, np.ndarray]]:
        own = self.parameters
        coefficients = sobol_coefficients(count, own.degree, own.bound, seed)
        known = self._matrices[::2]
        outputs = np.empty((count, own.orders, len(self._points)), np.float32)
        for begun in range(0, count, CHUNK):
            part = slice(begun, begun + CHUNK)
            outputs[part] = np.einsum("ck,onk->con", coefficients[part], known)
            yield Progress(f"Making {purpose} functions: {min(begun + CHUNK, count)} of {count}", begun / count)
        inputs = (coefficients @ self._readings.T).astype(np.float32)
        yield {"inputs": inputs, "outputs": outputs, "coefficients": coefficients}

    def _locations(self, orders: Float[np.ndarray, " o"]) -> Float[Tensor, "1 q 3"]:
        """(x, y, alpha) of every sensor's place at every order, orders slowest."""
        places = np.tile(self._points, (len(orders), 1))
        column = np.repeat(orders, len(self._points))[:, None]
        joined = np.concatenate((places, column), 1)
        return torch.as_tensor(joined, dtype=torch.float32, device=self.context.device)[None]

    # Training

    def run(self) -> Iterator[Metrics | Progress]:
        """Adam on the mean squared error over that of saying zero, for whole functions at all locations and orders."""
        own = self.parameters
        if self._made_for != self.data_seed:
            yield from self.prepare()
        y = self._locations(self._orders)
        while self.step < own.steps:
            picked = torch.randint(own.functions, (own.batch,), generator=self.context.generator,
                                   device=self.context.device)  # fmt: skip
            u, s = self._train["inputs"][picked], self._train["outputs"][picked]
            metrics: dict[str, Any] = {}
            for name, network, optimizer in zip(own.models, self.networks, self.optimizers, strict=True):
                value = self._value(network, u, y, self.context.generator)
                loss = (value - s.flatten(1)).square().mean() / s.square().mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                metrics[f"loss/{name}"] = loss.detach()
                yield Progress("")
            self.step += 1
            if self.step % own.evaluate_every == 0 or self.step in FIRST_LOOKS or self.step >= own.steps:
                yield from self._evaluate()
                metrics |= self.numbers
            yield metrics

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take over a new step size at once."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.parameters.learning_rate

    def _value(
        self, network: torch.nn.Module, u: Float[Tensor, "b m"], y: Float[Tensor, "1 q 3"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "b q"]:  # fmt: skip
        if isinstance(network, DeepONet):
            return network.aligned(u[None], y)[0]
        grid = self.parameters.grid
        return network(u.view(-1, grid, grid), generator).flatten(1)

    @torch.no_grad()
    def _evaluate(self) -> Iterator[Progress]:
        """Relative L2 errors over all functions: on average, and by order (also between the trained ones)."""
        own, device = self.parameters, self.context.device
        all_outputs = np.einsum("ck,onk->con", self._test["coefficients"].cpu().numpy(), self._matrices)
        truth = torch.as_tensor(all_outputs, dtype=torch.float32, device=device)
        found = {}
        for row, (name, network) in enumerate(zip(own.models, self.networks, strict=True)):
            is_operator = isinstance(network, DeepONet)
            y = self._locations(self._asked if is_operator else self._orders)
            parts = []
            for part in self._test["inputs"].split(CHUNK):
                parts.append(self._value(network, part, y))
                yield Progress("Looking at the test functions")
            reference = truth if is_operator else truth[:, ::2]
            error = (torch.cat(parts).view(reference.shape) - reference).square().sum((0, 2))
            by_order = (error / reference.square().sum((0, 2))).sqrt().cpu().numpy()
            self._errors[row, slice(None) if is_operator else slice(None, None, 2)] = by_order
            known = error[::2] if is_operator else error
            found[f"test/{name}"] = float((known.sum() / truth[:, ::2].square().sum()).sqrt())
            u, s = self._train["inputs"][: 4 * CHUNK], self._train["outputs"][: 4 * CHUNK].flatten(1)
            own_y = self._locations(self._orders)
            squared = sum(
                (self._value(network, a, own_y) - b).square().sum()
                for a, b in zip(u.split(CHUNK), s.split(CHUNK), strict=True)
            )
            found[f"train/{name}"] = float((squared / s.square().sum()).sqrt())
            found[f"ratio/{name}"] = (found[f"test/{name}"] / max(found[f"train/{name}"], 1e-30)) ** 2
        self.numbers = found

    # Asking

    def _operator(self, order: float) -> Float[np.ndarray, "n k"]:
        """The closed form at the pictures' pixels; kept, since a slider asks again and again."""
        if order not in self._operators:
            if len(self._operators) > 100:
                self._operators.clear()
            self._operators[order] = zernike_laplacian(self._pixels[self._in_reach], self.parameters.degree, order)
        return self._operators[order]

    def _picture(self, values: np.ndarray, where: np.ndarray) -> Float[np.ndarray, "n n"]:
        picture = np.full(SHOWN * SHOWN, np.nan)
        picture[where] = values
        return picture.reshape(SHOWN, SHOWN)

    @torch.no_grad()
    def _answer(self, coefficients: Float[np.ndarray, " k"], order: float) -> DiscAnswer:
        order = round(float(np.clip(order, LOWEST_ORDER, HIGHEST_ORDER)), 3)
        device = self.context.device
        u = torch.as_tensor(self._readings @ coefficients, dtype=torch.float32, device=device)[None]
        nearest = int(np.abs(self._orders - order).argmin())
        places = self._pixels[self._in_reach]
        truth = self._operator(order) @ coefficients
        predictions, relative, times = [], [], []
        for network in self.networks:
            began = time.perf_counter()
            if isinstance(network, DeepONet):
                y = np.concatenate((places, np.full((len(places), 1), order)), 1)
                values = network.aligned(u[None], torch.as_tensor(y, dtype=torch.float32, device=device)[None])[0, 0]
                shown = values.cpu().numpy()
            else:
                grid = self.parameters.grid
                image = network(u.view(1, grid, grid))[0, nearest].cpu().numpy()
                shown = self._between(image, places)
            times.append(1e3 * (time.perf_counter() - began))
            predictions.append(self._picture(shown, self._in_reach))
            relative.append(float(np.linalg.norm(shown - truth) / max(np.linalg.norm(truth), 1e-30)))
        return DiscAnswer(
            order, float(self._orders[nearest]), self._picture(self._shapes @ coefficients, self._inside), coefficients,
            self._picture(truth, self._in_reach), np.stack(predictions), tuple(relative), tuple(times),
        )  # fmt: skip

    @staticmethod
    def _between(image: Float[np.ndarray, "g g"], places: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Read the polar image (angle, radius) at places of the disc, linearly between its points."""
        last = image.shape[0] - 1
        radius, angle = np.hypot(*places.T), np.arctan2(places[:, 1], places[:, 0]) % (2 * np.pi)
        return map_coordinates(image, (angle / (2 * np.pi) * last, radius / LARGEST_RADIUS * last), order=1)

    @action
    def case(self, number: int, order: float = MIDDLE_ORDER) -> DiscAnswer:
        """One of the test functions at one order."""
        return self._answer(self._case_coefficients[int(number) % CASES], order)

    @action
    def respond(self, values: np.ndarray, order: float = MIDDLE_ORDER) -> DiscAnswer:
        """The same for the sum of the polynomials that is nearest to a painted function (n, n) on [-1, 1]^2."""
        values = np.asarray(values, float)
        if values.shape != (SHOWN, SHOWN) or not np.isfinite(values.ravel()[self._inside]).all():
            raise UserError(f"A painted function here is {SHOWN} × {SHOWN} numbers, finite inside the disc.")
        coefficients = np.linalg.lstsq(self._shapes, values.ravel()[self._inside], rcond=None)[0]
        return self._answer(coefficients, order)

    @action
    def bump(self) -> np.ndarray:
        """(1 - r^2)^1.75 as a picture: the authors' fabricated test function."""
        rest = np.maximum(0, 1 - (self._pixels**2).sum(1))
        return self._picture(rest[self._inside] ** BUMP_POWER, self._inside)

    # Showing

    def frame(self) -> FractionalFrame:
        """The first test function at the middle order."""
        return FractionalFrame(
            step=self.step, models=tuple(self.parameters.models), answer=self.case(0), cases=CASES, orders=self._asked,
            errors=self._errors.copy(), parameters=tuple(map(parameter_count, self.networks)),
            numbers=dict(self.numbers),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write errors by order, and the first test function with all answers at the middle order."""
        rows = [
            (name, float(order), float(error))
            for name, errors in zip(self.parameters.models, self._errors, strict=True)
            for order, error in zip(self._asked, errors, strict=True)
        ]  # fmt: skip
        exports.write_rows(folder / "errors.csv", ("model", "order", "relative L2"), rows)
        shown = self.case(0)
        answers = dict(zip(self.parameters.models, shown.predictions, strict=True))
        np.savez_compressed(folder / "disc.npz", input=shown.input, truth=shown.truth, **answers)
