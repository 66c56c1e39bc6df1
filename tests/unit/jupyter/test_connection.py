"""The connection file: what it says is used, and anything else is refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.jupyter.connection import PORTS, read
from tests.unit.jupyter.test_wire import FEW, JSON

pytestmark = pytest.mark.requirement("D12")

GOOD: dict[str, Any] = {
    "transport": "tcp",
    "ip": "127.0.0.1",
    "key": "secret",
    "signature_scheme": "hmac-sha256",
    **{f"{name}_port": 5000 + number for number, name in enumerate(PORTS)},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connection") / "connection.json"


def test_it_names_where_to_listen_and_hides_its_key(file: Path) -> None:
    file.write_text(json.dumps(GOOD))
    found = read(file)
    assert found.addresses["shell"] == "tcp://127.0.0.1:5000"
    assert found.key == b"secret"
    assert "secret" not in repr(found)
    file.write_text(json.dumps({**GOOD, "transport": "ipc", "ip": "/run/k"}))
    assert read(file).addresses["hb"] == "ipc:///run/k-5004"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"key": None},
        {"signature_scheme": "hmac-md5"},
        {"transport": "udp"},
        {"ip": ""},
        {"ip": 1},
        {"shell_port": 0},
        {"shell_port": 65536},
        {"shell_port": "5000"},
        {"hb_port": True},
        {"iopub_port": None},
    ],
)
def test_what_cannot_be_used_is_refused(file: Path, wrong: dict[str, Any]) -> None:
    file.write_text(json.dumps({**GOOD, **wrong}))
    with pytest.raises(BadInput):
        read(file)


@FEW
@given(raw=st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_file_whatever_is_in_it_is_more_than_bad_input(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    with pytest.raises(BadInput):
        read(file)


@FEW
@given(field=st.sampled_from(sorted(GOOD)), value=JSON)
def test_one_field_of_any_value_is_used_or_refused(file: Path, field: str, value: Any) -> None:
    file.write_text(json.dumps({**GOOD, field: value}))
    try:
        found = read(file)
    except BadInput:
        return
    assert set(found.addresses) == set(PORTS)
    assert found.key


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.json")
