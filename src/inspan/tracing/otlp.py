"""Where spans go: to OpenTelemetry's exporter, loaded in a thread when the daemon has begun.

Until then spans wait here, and what does not fit is dropped. Nothing of OpenTelemetry is imported
before that.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from inspan.errors import Unable
from inspan.tracing.spans import Span

if TYPE_CHECKING:
    from inspan.tracing.sdk import Sending

log = logging.getLogger(__name__)

#: Spans that wait until it is loaded; as many as wait in its queue, unless that is told otherwise.
_WAITING: Final = 2048
#: Seconds for the last spans to be sent when the daemon ends.
_LAST: Final = 2.0


class Otlp:
    """``traces.Out``, by OTLP over HTTP."""

    def __init__(
        self, endpoint: str | None, headers: Mapping[str, str], service: str | None
    ) -> None:
        """Raises Unable where OpenTelemetry is not installed."""
        refuse_missing()
        self._endpoint = endpoint
        self._headers = headers
        self._service = service
        self._early: deque[Span] = deque(maxlen=_WAITING)
        self._sending: Sending | None = None
        self._trouble = ""

    def warnings(self) -> Iterator[str]:
        if self._trouble:
            yield f"tracing: {self._trouble}"

    def hand_on(self, span: Span) -> None:
        if self._sending is None:
            self._early.append(span)
        else:
            self._sending.send(span)

    async def run(self) -> None:
        try:
            sending = await anyio.to_thread.run_sync(self._load)
        except Exception as error:
            log.exception("tracing", extra={"action": "trace"})
            self._trouble = f"it could not be begun: {error}"
            return
        self._sending = sending
        while self._early:
            sending.send(self._early.popleft())
        try:
            await anyio.sleep_forever()
        finally:
            # In a thread that the end of this process does not wait for.
            last = Thread(target=sending.close, daemon=True)
            last.start()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(last.join, _LAST)

    def _load(self) -> Sending:
        from inspan.tracing.sdk import (  # noqa: PLC0415 - the reason for the thread
            Sending,
            exporter,
        )

        return Sending(exporter(self._endpoint, self._headers), self._service, self._told)

    def _told(self, *, well: bool) -> None:
        self._trouble = "" if well else "the collector does not take spans; the log says why"


def refuse_missing() -> None:
    """Raises Unable where OpenTelemetry is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415 - most trace nothing

    wanted = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    try:
        missing = not all(find_spec(name) for name in wanted)
    except ModuleNotFoundError:
        missing = True
    if missing:
        raise Unable(
            "the settings ask for tracing, and OpenTelemetry is not installed",
            hint="`pip install 'inspan[otel]'` brings it; or take `tracing:` out of the settings.",
        )
