"""Whether tasks are traced and where spans go, as people write it: under ``tracing``.

A mistake is refused with its line. What a reference leads to is not looked at here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput, InspanError, SettingsInvalid
from inspan.model.origin import loopback, parsed
from inspan.model.value import field, named_value
from inspan.settings import fields
from inspan.settings.secrets import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inspan.settings.lined import Lined

_KNOWN: Final = ("endpoint", "headers", "plain", "service")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@named_value
class Tracing:
    """That tasks are traced."""

    #: Where spans go, less ``/v1/traces``; ``None``: as OTEL_EXPORTER_OTLP_* say.
    endpoint: str | None = None
    #: Name → reference to the value (``settings.secrets``).
    headers: Mapping[str, str] = field(default_factory=dict)
    #: As which they are told; ``None``: as OTEL_SERVICE_NAME says, else inspan.
    service: str | None = None


def tracing(document: Lined, path: tuple[str, ...], value: Any) -> Tracing | None:
    """The section at ``path``; ``None`` for ``false``. Raises SettingsInvalid."""
    if value is True or value is False:
        return Tracing() if value else None
    given = fields.section(document, path, value, _KNOWN)
    try:
        return _made(given)
    except InspanError as error:
        raise SettingsInvalid(f"{document.at(*path)}: {error.message}", hint=error.hint) from error


def _made(given: dict[str, Any]) -> Tracing:
    endpoint, service = given.get("endpoint"), given.get("service")
    if service is not None and (not isinstance(service, str) or not service):
        raise BadInput("service is not a name")
    if endpoint is not None:
        _refuse_open(str(endpoint), plain=given.get("plain") is True)
    headers = given.get("headers", {})
    if not isinstance(headers, dict):
        raise BadInput("headers is not a mapping of names to references")
    for name, reference in headers.items():
        if not _HEADER.fullmatch(str(name)):
            raise BadInput(f"{str(name)[:100]!r} is no name of a header")
        check(str(reference))
    return Tracing(
        endpoint=None if endpoint is None else str(endpoint),
        headers={str(name): str(reference) for name, reference in headers.items()},
        service=service,
    )


def _refuse_open(endpoint: str, *, plain: bool) -> None:
    origin, _ = parsed(endpoint)
    if origin.scheme == "http" and not plain and not loopback(origin.host):
        raise BadInput(
            f"what goes to {origin} can be read on its way",
            hint="Write https://, or `plain: true` where nobody minds.",
        )
