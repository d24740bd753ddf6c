"""Running experiments in tests without a worker."""

from workbench.sdk import Progress


def steps_of(experiment):
    """Metrics of every step, to the end of the run."""
    return [dict(said) for said in experiment.run() if not isinstance(said, Progress)]


def answer_of(action):
    """What a long action returns in the end."""
    while True:
        try:
            next(action)
        except StopIteration as end:
            return end.value
