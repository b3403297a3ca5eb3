"""The server's earlier place. Remove it when no benchmark imports from here."""

from bff.sandbox.server import SandboxServer

__all__ = ["SandboxServer"]
