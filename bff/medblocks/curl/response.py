"""What libcurl has received, in the form that requests' adapters give."""

from collections.abc import Iterator, Mapping
from typing import Any

from requests import PreparedRequest, Response


class CurlResponse(Response):
    """A whole reply. It has nothing left to stream, and no cookies, for which requests makes a jar each."""

    def __init__(self, request: PreparedRequest, status: int, headers: "Headers", body: bytes) -> None:
        self.request = request
        self.url = request.url or ""
        self.status_code = status
        self.headers = headers  # type: ignore[assignment]  # a mapping too, whose names may be in any case
        self.encoding = None
        self.reason = ""
        self.history = []
        self._body = body

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body


class Headers(Mapping[str, str]):
    """The headers of an answer, looked for when somebody asks: most are never asked for."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def get(self, name: str, default: Any = None) -> Any:
        """Give a header's value, the last one's if there are several; its name may be in any case."""
        beginning = f"{name.lower()}:".encode("latin-1")
        for line in reversed(self._lines):
            if line[: len(beginning)].lower() == beginning:
                return line[len(beginning) :].strip().decode("latin-1")
            if line.startswith(b"HTTP/"):  # what came before was an interim answer
                break
        return default

    def __getitem__(self, name: str) -> str:
        value: str | None = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        last = max((at for at, line in enumerate(self._lines) if line.startswith(b"HTTP/")), default=-1)
        named = [line.decode("latin-1").partition(":") for line in self._lines[last + 1 :]]
        return iter({name.lower(): name for name, colon, _ in named if colon}.values())

    def __len__(self) -> int:
        return len(list(iter(self)))
