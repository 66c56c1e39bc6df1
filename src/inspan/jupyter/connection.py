"""The connection file that a Jupyter client writes: where to listen, and the key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inspan.errors import BadInput

PORTS: Final = ("shell", "iopub", "stdin", "control", "hb")
_SCHEME: Final = "hmac-sha256"
_PORT_MOST: Final = 65535


@dataclass(frozen=True, slots=True)
class Connection:
    """What such a file says."""

    #: An address of ZeroMQ for each of PORTS.
    addresses: dict[str, str]
    key: bytes

    def __repr__(self) -> str:
        return f"Connection({self.addresses}, key hidden)"


def read(path: Path) -> Connection:
    """Raises BadInput where it cannot be used, one without a key included: what comes in is run."""
    try:
        raw = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"The connection file {path} cannot be read: {error}.") from None
    if not isinstance(raw, dict):
        raise BadInput(f"The connection file {path} is no JSON object.")
    key = raw.get("key")
    if not isinstance(key, str) or not key:
        raise BadInput(
            "The connection file has no key.",
            hint="Anybody who reaches its ports could run code; let the client set a key.",
        )
    if raw.get("signature_scheme", _SCHEME) != _SCHEME:
        raise BadInput(f"Messages are signed by {_SCHEME}, not {raw['signature_scheme']!r:.100}.")
    return Connection({name: _address(raw, name) for name in PORTS}, key.encode())


def _address(raw: dict[str, Any], name: str) -> str:
    transport, host = raw.get("transport", "tcp"), raw.get("ip", "127.0.0.1")
    port = raw.get(f"{name}_port")
    if transport not in ("tcp", "ipc") or not isinstance(host, str) or not host:
        raise BadInput("The connection file names no transport and place: tcp or ipc, and ip.")
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= _PORT_MOST:
        raise BadInput(f"The connection file names no {name}_port.")
    return f"tcp://{host}:{port}" if transport == "tcp" else f"ipc://{host}-{port}"
