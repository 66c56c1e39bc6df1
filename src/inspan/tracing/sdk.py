"""Spans as OpenTelemetry has them, and its own exporter: OTLP over HTTP, from a bounded queue.

It is the only file that imports OpenTelemetry, which is an extra and takes a while: whoever needs
it imports this in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from inspan import __version__
from inspan.tracing.spans import Span

_NANO: Final = 10**9
_SCOPE: Final = InstrumentationScope("inspan", __version__)


class Told(Protocol):
    def __call__(self, *, well: bool) -> None:
        """Whether the collector took what it was sent."""
        ...


class Sending:
    """Sends spans from a thread of its own; what does not fit into its queue is dropped."""

    def __init__(self, exporter: SpanExporter, service: str | None, told: Told) -> None:
        self._resource = resource(service)
        self._processor = BatchSpanProcessor(_Watched(exporter, told))

    def send(self, span: Span) -> None:
        """Soon; returns at once."""
        self._processor.on_end(readable(span, self._resource))

    def close(self) -> None:
        """Send what is left; this takes as long as the collector does."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


class _Watched(SpanExporter):
    def __init__(self, exporter: SpanExporter, told: Told) -> None:
        self._exporter = exporter
        self._told = told

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self._told(well=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def exporter(endpoint: str | None, headers: Mapping[str, str]) -> SpanExporter:
    """OTLP over HTTP to ``endpoint``, else to where OTEL_EXPORTER_OTLP_* say."""
    whole = None if endpoint is None else f"{endpoint.rstrip('/')}/v1/traces"
    return OTLPSpanExporter(endpoint=whole, headers=dict(headers) or None)


def resource(service: str | None) -> Resource:
    """Who tells of spans: ``service``, else as OTEL_* say, else inspan."""
    named = {"service.name": service} if service else {}
    found = Resource.create({**named, "service.version": __version__})
    if str(found.attributes["service.name"]).startswith("unknown_service"):
        return found.merge(Resource({"service.name": "inspan"}))
    return found


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """As OpenTelemetry has it."""
    flags = TraceFlags(TraceFlags.SAMPLED if span.place.sampled else TraceFlags.DEFAULT)

    def context(trace: str, ident: str) -> SpanContext:
        return SpanContext(int(trace, 16), int(ident, 16), is_remote=False, trace_flags=flags)

    trace = span.place.trace
    return ReadableSpan(
        name=span.name,
        context=context(trace, span.place.span),
        parent=None if span.parent is None else context(trace, span.parent),
        resource=resource,
        attributes=dict(span.attributes),
        links=[
            Link(context(other.trace, other.span), {"inspan.link": how})
            for how, other in span.links
        ],
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR, span.error),
        start_time=round(span.start * _NANO),
        end_time=round(span.end * _NANO),
        instrumentation_scope=_SCOPE,
    )
