"""The way in by the network, where it cannot be had."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from inspan.errors import BadInput, Unable
from inspan.model.listen import Listen
from inspan.server.net import bound
from inspan.server.tokens import Tokens

pytestmark = pytest.mark.requirement("C9")


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.json")


def test_a_port_that_another_has_is_told(tokens: Tokens) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        listen = Listen(host="127.0.0.1", port=port)
        with pytest.raises(Unable, match="already in use") as told, bound(listen, tokens):
            pass
    assert f"http://127.0.0.1:{port}" in told.value.message
    assert "another port" in told.value.hint


def test_an_address_on_no_interface_there_is_is_told(tokens: Tokens, tmp_path: Path) -> None:
    key = str(tmp_path / "key.pem")
    listen = Listen(host="fe80::1%nosuch0", port=1, cert=key, key=key)
    with pytest.raises(Unable, match="cannot listen") as told, bound(listen, tokens):
        pass
    assert "https://[fe80::1%nosuch0]:1" in told.value.message


def test_what_is_not_safe_is_refused_before_anything_is_opened(tokens: Tokens) -> None:
    listen = Listen(host="192.0.2.1", port=0)
    with pytest.raises(BadInput, match="nothing would be encrypted"), bound(listen, tokens):
        pass
