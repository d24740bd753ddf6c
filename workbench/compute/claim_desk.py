"""Claims over the pipe: listing them, and running one while listening for a word to stop."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from types import ModuleType

from workbench.catalog import load_object
from workbench.compute.claims import run_claim
from workbench.compute.protocol import Answer, ListClaims, Partial, Refusal, Report, RunClaim
from workbench.sdk import ClaimInfo, Progress, claims_of

SAY_SECONDS = 0.1
STOPPED = "Stopped."


class _Stopped(BaseException):
    """Leaves a check early. Not an Exception: a check may catch those."""


def answer_about_claims(
    request: ListClaims | RunClaim, send: Callable[[Report], None], is_called_off: Callable[[int], bool]
) -> None:
    """Answer one request; a claim module that fails to import is refused with its traceback."""
    try:
        known = _claims(request.claims)
    except Exception as error:
        send(Refusal(request.id, f"The claims failed to load: {type(error).__name__}: {error}", traceback.format_exc()))
        return
    if isinstance(request, ListClaims):
        send(Answer(request.id, tuple(claim.card for claim in known.values())))
    elif request.claim not in known:
        send(Refusal(request.id, f"There is no claim {request.claim!r}; there are {', '.join(known)}."))
    else:
        _run(request, known[request.claim], send, is_called_off)


def _claims(dotted: str) -> dict[str, ClaimInfo]:
    module = load_object(dotted)
    assert isinstance(module, ModuleType)
    return claims_of(module)


def _run(
    request: RunClaim, claim: ClaimInfo, send: Callable[[Report], None], is_called_off: Callable[[int], bool]
) -> None:
    said = 0.0

    def say(progress: Progress) -> None:
        nonlocal said
        now = time.perf_counter()
        if now - said >= SAY_SECONDS:
            said = now
            if is_called_off(request.id):
                raise _Stopped
            send(Partial(request.id, progress))

    try:
        result = run_claim(
            request.plugin, claim, scale=request.scale, seeds=request.seeds, device=request.device, say=say
        )
    except _Stopped:
        send(Refusal(request.id, STOPPED))
        return
    send(Answer(request.id, result.as_json() | ({"details": result.details} if result.details else {})))
