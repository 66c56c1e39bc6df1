"""Whether tasks are traced, as the settings have it."""

from pathlib import Path

import pytest

from inspan.errors import SettingsInvalid
from inspan.settings import Settings, load
from inspan.settings.tracing import Tracing


def _load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize(
    ("text", "tracing"),
    [
        ("roles: {worker: 1}", None),
        ("tracing: false", None),
        ("tracing: true", Tracing()),
        ("tracing: {}", Tracing()),
        (
            "tracing: {endpoint: 'https://o.example/otlp', headers: {k: 'env:K'}, service: mine}",
            Tracing(endpoint="https://o.example/otlp", headers={"k": "env:K"}, service="mine"),
        ),
        ("tracing: {endpoint: 'http://[::1]:4318'}", Tracing(endpoint="http://[::1]:4318")),
        (
            "tracing: {endpoint: 'http://box.lan:4318', plain: true}",
            Tracing(endpoint="http://box.lan:4318"),
        ),
    ],
)
def test_it_is_off_unless_it_is_asked_for(
    tmp_path: Path, text: str, tracing: Tracing | None
) -> None:
    assert _load(tmp_path, text).tracing == tracing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tracing: yes please", "tracing is not a mapping"),
        ("tracing: {url: x}", "'url' is not known here"),
        ("tracing: {endpoint: 'http://box.lan:4318'}", "can be read on its way"),
        ("tracing: {endpoint: box}", "does not begin with http"),
        ("tracing: {service: ''}", "service is not a name"),
        ("tracing: {headers: [a]}", "headers is not a mapping"),
        ("tracing: {headers: {'a b': 'env:K'}}", "no name of a header"),
        ("tracing: {headers: {key: hunter2}}", "no reference"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(tmp_path, f"\n{text}\n")
    assert says in caught.value.message
    assert "config.yaml:2" in caught.value.message
