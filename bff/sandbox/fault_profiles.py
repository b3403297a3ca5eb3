"""Named sets of faults, for people who want to see how their page takes them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Profile:
    """Some fault specs, and what they amount to in a sentence.

    With `over_https` there are none: clients are to be sent to the port with https://, which it can't speak.
    """

    description: str
    faults: tuple[dict[str, Any], ...] = ()
    over_https: bool = False


PROFILES = {
    "slow": Profile("Every answer takes two seconds longer.", ({"fault": "latency", "ms": 2000},)),
    "dripping": Profile(
        "Answers come byte by byte, too slowly to wait for their end.", ({"fault": "drip", "ms": 100},)
    ),
    "silent": Profile("Calls are taken and never answered.", ({"fault": "silence"},)),
    "flaky": Profile(
        "About one call in three fails, each time in another way.",
        (
            {"fault": "error_before_commit", "probability": 0.1},
            {"fault": "html_error", "probability": 0.1},
            {"fault": "reset_before_commit", "probability": 0.1},
            {"fault": "latency", "probability": 0.1, "ms": 3000},
        ),
    ),
    "down": Profile("Every call gets a CDN's 503 page.", ({"fault": "html_error", "status": 503},)),
    "refusing": Profile(
        "For one minute from now all connections are refused; then all is well again.",
        ({"fault": "refuse", "ms": 60_000},),
    ),
    "tls": Profile("No call gets through: TLS fails at its first step.", over_https=True),
    "busy": Profile(
        "Half of the calls get 429, with the request to come back in two seconds.",
        ({"fault": "too_many_requests", "probability": 0.5, "ms": 2000},),
    ),
    "lost-answers": Profile(
        "What is asked for is done, but most answers to it never arrive.",
        (
            {"fault": "reset_after_commit", "operation": "create_patient", "probability": 0.5},
            {"fault": "error_after_commit", "operation": "create_patient", "probability": 0.3, "status": 502},
            {"fault": "reset_after_commit", "operation": "start_session", "probability": 0.5},
            {"fault": "late_commit", "probability": 0.2, "ms": 500},
        ),
    ),
    "garbage": Profile(
        "Most answers are unusable: broken or empty, of another shape or patient, or far too large.",
        tuple(
            {"fault": fault, "probability": 0.2}
            for fault in (
                "bad_json",
                "empty_body",
                "half_body",
                "wrong_shape",
                "wrong_id",
                "oversized",
                "gzip_bomb",
            )
        ),
    ),
}
