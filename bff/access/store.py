"""The store of counters, which limits, invites and idempotency keys share: in memory, or in Redis."""

from typing import Any, cast

from limits.storage import Storage, storage_from_string

from bff.config import Settings

# A store that does not answer must not hold a browser up.
_SECONDS = 0.5


def uri(settings: Settings) -> str:
    """Give the store's address."""
    return settings.redis_url.reveal() if settings.redis_url else "memory://"


def options(settings: Settings) -> dict[str, Any]:
    """Give how to speak to it."""
    return {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS} if settings.redis_url else {}


def open_store(settings: Settings) -> Storage:
    """Open the store; it raises limits' StorageError where it can't be reached."""
    return cast("Storage", storage_from_string(uri(settings), wrap_exceptions=True, **options(settings)))
