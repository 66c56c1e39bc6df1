"""Jupyter's messages as frames, signed and checked. It knows no socket and no meaning.

A message is any number of routing ids, a delimiter, an HMAC-SHA256 of the four JSON parts that
follow it, those parts, and raw buffers, which nothing here uses.
https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

#: The version of the messaging protocol: 5.4 brought ``iopub_welcome``.
VERSION: Final = "5.4"
DELIMITER: Final = b"<IDS|MSG>"
#: Signatures that are remembered, so that a message which was overheard is not taken twice.
_REMEMBERED: Final = 1 << 16
_PARTS: Final = 4


class WireError(Exception):
    """What came is no message of a client that has the key."""


@dataclass(frozen=True, slots=True)
class Message:
    """One that came. ``ids`` lead back to who sent it."""

    ids: tuple[bytes, ...]
    header: dict[str, Any]
    content: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.header["msg_type"])

    def text(self, name: str) -> str:
        """A field of the content. Raises WireError where it is no text."""
        value = self.content.get(name)
        if not isinstance(value, str):
            raise WireError(f"{self.kind}: {name} is no text")
        return value

    def whole(self, name: str, default: int) -> int:
        """A field of the content. Raises WireError where it is no whole number."""
        value: object = self.content.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise WireError(f"{self.kind}: {name} is no whole number")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A field of the content. Raises WireError where it is neither true nor false."""
        value = self.content.get(name, default)
        if not isinstance(value, bool):
            raise WireError(f"{self.kind}: {name} is neither true nor false")
        return value


class Wire:
    """Signs what goes out and checks what comes in, with the key of one connection file."""

    def __init__(self, key: bytes) -> None:
        self._signer = hmac.new(key, digestmod=hashlib.sha256)
        #: Names this kernel in the messages it sends.
        self.session = os.urandom(16).hex()
        self._numbers = itertools.count(1)
        self._seen: dict[bytes, None] = {}

    def decode(self, frames: Sequence[bytes]) -> Message:
        """A message that was signed with our key and did not come before. Raises WireError."""
        try:
            at = list(frames).index(DELIMITER)
        except ValueError:
            raise WireError("no delimiter") from None
        signature, parts = b"".join(frames[at + 1 : at + 2]), frames[at + 2 : at + 2 + _PARTS]
        if len(parts) < _PARTS or not hmac.compare_digest(signature, self._sign(parts)):
            raise WireError("not signed with the key of the connection file")
        if signature in self._seen:
            raise WireError("it came before")
        self._seen[signature] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        header, _, _, content = map(_object, parts)
        if not all(isinstance(header.get(name), str) for name in ("msg_id", "msg_type")):
            raise WireError("its header lacks msg_id or msg_type")
        return Message(tuple(frames[:at]), header, content)

    def encode(
        self,
        kind: str,
        content: Mapping[str, Any],
        *,
        parent: Mapping[str, Any] | None = None,
        ids: Iterable[bytes] = (),
    ) -> list[bytes]:
        """The frames of a message that answers ``parent``, a header."""
        header = {
            "msg_id": f"{self.session}-{next(self._numbers)}",
            "session": self.session,
            "username": "inspan",
            "date": datetime.now(UTC).isoformat(),
            "msg_type": kind,
            "version": VERSION,
        }
        parts = [json.dumps(part).encode() for part in (header, parent or {}, {}, content)]
        return [*ids, DELIMITER, self._sign(parts), *parts]

    def _sign(self, parts: Sequence[bytes]) -> bytes:
        signer = self._signer.copy()
        for part in parts:
            signer.update(part)
        return signer.hexdigest().encode()


def _object(part: bytes) -> dict[str, Any]:
    try:
        found = json.loads(part)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a part is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise WireError("a part is no object")
    return found
