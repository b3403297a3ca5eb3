"""A stateful stand-in for Medblocks, for the demo and for tests. Only the command line imports it."""

from bff.sandbox.app import DEMO_KEY, DEMO_WEBHOOK_SECRET, EXPIRED_KEY, create_sandbox
from bff.sandbox.faults import PROFILES
from bff.sandbox.server import SandboxServer
from bff.sandbox.webhooks import WebhookSender

__all__ = [
    "DEMO_KEY",
    "DEMO_WEBHOOK_SECRET",
    "EXPIRED_KEY",
    "PROFILES",
    "SandboxServer",
    "WebhookSender",
    "create_sandbox",
]
