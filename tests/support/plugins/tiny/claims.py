import torch

from workbench.sdk import Finding, Table, claim

from .experiments import Fit


@claim(
    "learns",
    statement="The line is learnt.",
    source="Nowhere, section 0",
    paper="error 0",
    experiment="fit",
    laptop="1 s",
    seeds=(0, 1),
)
def learns(bench):
    losses = []
    for seed in bench.seeds:
        fit = bench.run(Fit, seed, steps=200, noise=0.0)
        with torch.no_grad():
            losses.append(float((fit.model.eval()(fit._x) - 2 * fit._x).square().mean()))
    table = Table(("seed", "error"), tuple(zip(bench.seeds, losses, strict=True)))
    return Finding(max(losses) < 0.5, f"largest error {max(losses):.2g}", table)


@claim("never", statement="Pigs fly.", source="Theorem 0", paper="yes", experiment="fit", laptop="0 s", seeds=(0,))
def never(bench):
    return Finding(False, "no pig flew", why="Pigs have no wings.")
