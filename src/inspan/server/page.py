"""The page: files that ship with inspan, the same for everybody, and nothing that is secret.

What may be asked for is what there is at the start; no path of a request is ever joined to one of
the file system.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_FOLDER: Final = Path(__file__).parent / "web"
_INDEX: Final = "index.html"
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: The page runs its own scripts alone, and asks nobody else for anything. The terminal sets its
#: colours by style sheets that it makes, which cannot be told from others.
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class Page:
    """The files, read when they are asked for first."""

    def __init__(self) -> None:
        self._names = {path.name for path in _FOLDER.iterdir() if path.suffix in _KINDS}
        self._read: dict[str, tuple[bytes, str]] = {}

    def routes(self) -> list[BaseRoute]:
        """``/`` and what is below ``/web/``."""
        return [Route("/", self.index), Route("/web/{name}", self.file)]

    async def index(self, request: Request) -> Response:
        return self._answer(request, _INDEX)

    async def file(self, request: Request) -> Response:
        return self._answer(request, request.path_params["name"])

    def _answer(self, request: Request, name: str) -> Response:
        if name not in self._names:
            return Response(status_code=404)
        if name not in self._read:
            raw = (_FOLDER / name).read_bytes()
            self._read[name] = raw, f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
        raw, tag = self._read[name]
        headers = {"etag": tag, "cache-control": "no-cache", "content-security-policy": _CSP}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        kind = _KINDS[Path(name).suffix]
        return Response(raw, media_type=kind, headers=headers)
