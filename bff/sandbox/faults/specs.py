"""Which faults can be asked for: one spec for each, and named sets of them to see how a page copes."""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from bff.sandbox.faults.kinds import KINDS

# Not a Kind: it acts on the whole port, not on one exchange.
REFUSE = "refuse"
MAX_MS = 60_000


class FaultError(ValueError):
    """These faults can't be used. The message says why, and what to send instead."""


class Spec(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault, and when it happens: to which operation, how often, how many times, and how.

    Without `operation` it meets every operation of the API. `times` counts down.
    """

    fault: str
    operation: str | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1
    times: Annotated[int, Meta(ge=1)] | None = None
    ms: Annotated[int, Meta(ge=0, le=MAX_MS)] | None = None
    # Replies below 400 can be without a body, which would break the connection's framing.
    status: Annotated[int, Meta(ge=400, le=599)] | None = None

    def __post_init__(self) -> None:
        if self.fault not in (REFUSE, *KINDS):
            raise ValueError(f"fault must be one of: {', '.join([REFUSE, *KINDS])}")
        if self.fault == REFUSE and (not self.ms or to_builtins(self).keys() != {"fault", "ms"}):
            raise ValueError(
                f"refuse takes ms, from 1 to {MAX_MS}, and nothing else: it begins at once, for all"
            )


@dataclass(frozen=True)
class Profile:
    """Some fault specs, and what they amount to in one sentence.

    A profile `over_https` has none: clients call the port with https://, which it does not speak.
    """

    description: str
    faults: tuple[dict[str, Any], ...] = ()
    over_https: bool = False


def _faults(names: str, **fields: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"fault": name, **fields} for name in names.split())


PROFILES = {
    "slow": Profile("Every answer takes two seconds longer.", _faults("latency", ms=2000)),
    "dripping": Profile(
        "Answers come byte by byte, too slowly to wait for their end.",
        _faults("drip", ms=100, probability=0.5) + _faults("drip_body", ms=100),
    ),
    "silent": Profile("Calls are taken and never answered.", _faults("silence")),
    "flaky": Profile(
        "About one call in three fails, each time in another way.",
        _faults("error_before_commit html_error reset_before_commit", probability=0.1)
        + _faults("latency", probability=0.1, ms=3000),
    ),
    "down": Profile("Every call gets a CDN's 503 page.", _faults("html_error", status=503)),
    "refusing": Profile(
        "For one minute from now all connections are refused; then all is well again.",
        _faults("refuse", ms=60_000),
    ),
    "tls": Profile("No call gets through: TLS fails at its first step.", over_https=True),
    "busy": Profile(
        "Half of the calls get 429, with the request to come back in two seconds.",
        _faults("too_many_requests", probability=0.5, ms=2000),
    ),
    "lost-answers": Profile(
        "What is asked for is done, but most answers to it never arrive.",
        _faults("reset_after_commit", operation="create_patient", probability=0.5)
        + _faults("error_after_commit", operation="create_patient", probability=0.3, status=502)
        + _faults("reset_after_commit", operation="start_session", probability=0.3)
        + _faults("late_commit", operation="start_session", probability=0.3, ms=0)
        + _faults("late_commit", probability=0.2, ms=500),
    ),
    "garbage": Profile(
        "Most answers are unusable: broken or empty, of another shape or patient, or far too large.",
        _faults("bad_json empty_body half_body half_chunks wrong_shape wrong_id", probability=0.15)
        + _faults("oversized oversized_chunks gzip_bomb", probability=0.15),
    ),
}
