"""What a plugin's author imports. Neither Qt nor torch is imported here, so both processes may use all of it."""

from workbench.sdk.card import ExperimentCard, PaperCard
from workbench.sdk.claims import ClaimBench, ClaimCard, ClaimInfo, Finding, Table, claim, claims_of
from workbench.sdk.experiment import (
    ActionInfo,
    Context,
    Experiment,
    Frame,
    Metrics,
    Progress,
    UserError,
    action,
    actions_of,
)
from workbench.sdk.metrics import MetricsBlock, MetricsHistory
from workbench.sdk.parameters import (
    InvalidParameters,
    Parameters,
    ParameterSpec,
    Preset,
    choice,
    choices,
    file,
    param,
)

__all__ = [
    "ActionInfo",
    "ClaimBench",
    "ClaimCard",
    "ClaimInfo",
    "Context",
    "Experiment",
    "ExperimentCard",
    "Finding",
    "Frame",
    "InvalidParameters",
    "Metrics",
    "MetricsBlock",
    "MetricsHistory",
    "PaperCard",
    "ParameterSpec",
    "Parameters",
    "Preset",
    "Progress",
    "Table",
    "UserError",
    "action",
    "actions_of",
    "choice",
    "choices",
    "claim",
    "claims_of",
    "file",
    "param",
]
