"""Errors as answers: RFC 9457 problem documents with our ``code`` and ``hint``.

The one place where an error of ours gets a status. It knows no route and no verb.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from inspan.errors import (
    AmbiguousId,
    BadInput,
    Conflict,
    DaemonMismatch,
    DiskFull,
    FellBehind,
    InputFull,
    InspanError,
    NotConfined,
    NotFound,
    NotGranted,
    Refused,
    Unable,
)
from inspan.model import wire

#: From the special to the general: the first that fits gives the status.
_STATUS: Final[tuple[tuple[type[InspanError], HTTPStatus], ...]] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (AmbiguousId, HTTPStatus.CONFLICT),
    (Conflict, HTTPStatus.CONFLICT),
    (NotGranted, HTTPStatus.FORBIDDEN),
    (Refused, HTTPStatus.BAD_REQUEST),
    (NotConfined, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DaemonMismatch, HTTPStatus.CONFLICT),
    (InputFull, HTTPStatus.TOO_MANY_REQUESTS),
    (FellBehind, HTTPStatus.TOO_MANY_REQUESTS),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (Unable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: InspanError) -> HTTPStatus:
    """The HTTP status of an error."""
    return next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def document(error: InspanError, status: HTTPStatus | None = None) -> dict[str, Any]:
    """The problem as a JSON object."""
    status = status or status_of(error)
    return {
        "type": f"urn:inspan:error:{error.code}",
        "title": status.phrase,
        "status": int(status),
        "detail": error.message,
        "code": error.code,
        "hint": error.hint,
    }


def encoded(error: InspanError) -> bytes:
    """The problem as the bytes of a frame."""
    return json.dumps(document(error)).encode()


def response(
    error: InspanError,
    status: HTTPStatus | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The problem as a whole answer."""
    body = document(error, status)
    return Response(
        json.dumps(body).encode(),
        status_code=body["status"],
        media_type=wire.PROBLEM_TYPE,
        headers=dict(headers or {}),
    )
