"""Every kind of fault that can meet a request, by the name that specs use."""

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Response

from bff.sandbox import fault_cuts as cuts
from bff.sandbox import fault_replies as replies
from bff.sandbox.fault_wire import Exchange


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it does, and its `ms` when a spec names none.

    `act` gives the reply to send, or raises Dropped. Before it acts `ms` is waited, unless it is `paced`,
    which means that it has a use of its own for it.
    """

    act: Callable[[Exchange], Response]
    ms: int = 0
    paced: bool = False

    @property
    def summary(self) -> str:
        """What the fault does, in a sentence."""
        return self.act.__doc__ or ""

    def meet(self, exchange: Exchange) -> Response:
        """Let the fault happen to an exchange; give the reply to send, or raise ConnectionError."""
        if exchange.ms and not self.paced:
            exchange.wait()
        return self.act(exchange)


KINDS = {
    "latency": Kind(replies.latency, ms=1000),
    "silence": Kind(cuts.silence),
    "drip": Kind(cuts.drip, ms=20, paced=True),
    "drip_body": Kind(cuts.drip_body, ms=20, paced=True),
    "reset_before_commit": Kind(cuts.reset_before_commit),
    "reset_during_commit": Kind(cuts.reset_during_commit, paced=True),
    "reset_after_commit": Kind(cuts.reset_after_commit),
    "late_commit": Kind(cuts.late_commit, ms=1000, paced=True),
    "half_body": Kind(cuts.half_body),
    "half_chunks": Kind(cuts.half_chunks),
    "html_error": Kind(replies.html_error),
    "error_before_commit": Kind(replies.error_before_commit),
    "error_after_commit": Kind(replies.error_after_commit),
    "too_many_requests": Kind(replies.too_many_requests, ms=1000, paced=True),
    "bad_json": Kind(replies.bad_json),
    "empty_body": Kind(replies.empty_body),
    "wrong_shape": Kind(replies.wrong_shape),
    "wrong_id": Kind(replies.wrong_id),
    "oversized": Kind(replies.oversized),
    "oversized_chunks": Kind(cuts.oversized_chunks),
    "gzip_bomb": Kind(replies.gzip_bomb),
}
