"""libcurl's responses in the form of requests."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from requests import PreparedRequest, Response


class CurlResponse(Response):
    """A complete response: nothing is left to stream, and there is no cookie jar."""

    def __init__(self, request: PreparedRequest, status: int, headers: "Headers", body: bytes) -> None:
        self.request = request
        self.url = request.url or ""
        self.status_code = status
        self.headers = headers  # type: ignore[assignment]  # also a mapping with case-insensitive names
        self.encoding = None
        self.reason = ""
        self.history = []
        self._body = body

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body


class Headers(Mapping[str, str]):
    """The headers of a response, searched on demand, since most are never used."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        whole = b"\n" + b"".join(lines)
        self._head = whole[max(0, whole.rfind(b"\nHTTP/")) :]  # what comes before is an interim response
        self._lower = self._head.lower()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a header, by its name in any case; of several, the last one."""
        beginning = f"\n{name.lower()}:".encode("latin-1")
        at = self._lower.rfind(beginning)
        if at < 0:
            return default
        return self._head[at + len(beginning) :].partition(b"\n")[0].strip().decode("latin-1")

    def __getitem__(self, name: str) -> str:
        value: str | None = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        named = [line.partition(":") for line in self._head.decode("latin-1").split("\n")[2:]]
        return iter({name.lower(): name for name, colon, _ in named if colon}.values())

    def __len__(self) -> int:
        return len(list(iter(self)))
