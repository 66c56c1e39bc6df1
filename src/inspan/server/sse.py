"""Server-sent events, as the HTML standard has them (9.2): lines of text that a browser reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

TYPE: Final = "text/event-stream"


def said(event: str, data: Any, number: int) -> bytes:
    """One event; JSON has no line ends of its own, and so it is one line."""
    return f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()


def response(news: AsyncIterator[bytes]) -> Response:
    """An answer that goes on for as long as there is news, or until the client has gone."""
    return StreamingResponse(news, media_type=TYPE)
