"""A collector of traces on this machine: OTLP over HTTP, read by OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.real.webserver import Answer, posted


@dataclass
class Collector:
    """What came so far."""

    port: int = 0
    #: By which it was asked, and with which headers.
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    #: What is answered.
    status: int = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def names(self) -> list[str]:
        return sorted(span.name for span in tuple(self.spans))


def attributes(found: Any) -> dict[str, Any]:
    """As a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in found}


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    def take(path: str, headers: dict[str, str], body: bytes) -> Answer:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        collector.paths.append(path)
        collector.headers.append(headers)
        if collector.status == 200:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                collector.resources.append(attributes(resource.resource.attributes))
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
        return collector.status, {}

    with posted(take) as collector.port:
        yield collector
