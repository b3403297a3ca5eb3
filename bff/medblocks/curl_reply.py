"""What libcurl has received, in the form that requests' adapters give."""

from collections.abc import Iterator, Mapping
from typing import Any

from requests import PreparedRequest, Response


class Reply(Response):
    """A whole answer. Nothing is left to stream, and no cookie is kept: requests makes a jar for each."""

    cookies: Any = None
    headers: Any

    def __init__(self, request: PreparedRequest, status: int, lines: list[bytes], body: bytes) -> None:
        self.request = request
        self.url = request.url or ""
        self.status_code = status
        self.headers = Headers(lines)
        self.history = []
        self.encoding = self.raw = None
        self.reason = ""
        self._content = body
        self._content_consumed = True


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
