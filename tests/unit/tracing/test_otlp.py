"""Where spans go, when OpenTelemetry cannot be begun."""

from __future__ import annotations

import sys

import anyio
import pytest

from inspan.errors import Unable
from inspan.tracing.otlp import Otlp, refuse_missing

pytestmark = pytest.mark.anyio


async def test_what_cannot_be_begun_is_a_warning_and_ends_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "inspan.tracing.sdk", None)  # as where it is broken
    out = Otlp("http://127.0.0.1:1", {}, None)
    assert [*out.warnings()] == []
    with anyio.fail_after(30):
        await out.run()
    [warning] = out.warnings()
    assert warning.startswith("tracing: it could not be begun: ")


def test_where_it_is_not_installed_the_settings_say_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(Unable, match="OpenTelemetry is not installed") as told:
        refuse_missing()
    assert "inspan[otel]" in told.value.hint
