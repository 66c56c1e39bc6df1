"""Names for daemons that are elsewhere: one file beside the settings, for its owner alone.

It holds addresses and where tokens are, and no token. It speaks to nobody.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput, NotFound, SettingsInvalid
from inspan.model.value import value
from inspan.settings import private

if TYPE_CHECKING:
    from inspan.settings.places import Places

#: The name of this machine's own daemon, which no context can take.
LOCAL: Final = "local"
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_NAME_MOST: Final = 64
_TOKEN_MOST: Final = 4096


@value(frozen=True)
class Context:
    """A daemon elsewhere, and how it is reached."""

    name: str
    url: str
    #: A file with its token.
    token_file: str | None = None
    #: Who issued its certificate, where the system does not know them.
    ca: str | None = None


class Contexts:
    """Those there are, and which one is in use."""

    def __init__(self, places: Places) -> None:
        self._path = places.contexts
        #: A folder with the tokens that were handed in.
        self._tokens = self._path.removesuffix(".json")

    def all(self) -> tuple[Context, ...]:
        """Every one, by name. Raises SettingsInvalid."""
        return tuple(self._read()[1].values())

    def current(self) -> str | None:
        """The one in use; ``None``: this machine's own daemon."""
        return self._read()[0]

    def get(self, name: str) -> Context:
        """Raises NotFound, SettingsInvalid."""
        found = self._read()[1].get(name)
        if found is None:
            raise NotFound(f"there is no context {name!r}", hint="`inspan context ls` lists them.")
        return found

    def use(self, name: str | None) -> None:
        """Have all commands go there; ``None``: to this machine's own daemon. Raises NotFound."""
        if name is not None:
            self.get(name)
        self._write(name, self._read()[1])

    def add(self, context: Context, token: str | None = None) -> Context:
        """A new one, with its ``token`` in a file of its own. Raises BadInput."""
        name = context.name
        if not 0 < len(name) <= _NAME_MOST or set(name) - _PLAIN or name[0] in "-.":
            raise BadInput(
                f"{name!r} is no name", hint="Letters, digits, `.`, `_` and `-` make one."
            )
        current, found = self._read()
        if name == LOCAL or name in found:
            raise BadInput(
                f"there is a context {name!r} already",
                hint=f"`inspan context rm {name}` first."
                if name != LOCAL
                else "It is this machine's own daemon.",
            )
        made = context
        if token is not None:
            os.makedirs(self._tokens, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
            made = Context(name, context.url, f"{self._tokens}/{name}.token", context.ca)
            assert made.token_file
            private.write(made.token_file, f"{token}\n")
        self._write(current, {**found, name: made})
        return made

    def remove(self, name: str) -> None:
        """Forget it, and the token that was kept for it. Raises NotFound."""
        gone = self.get(name)
        current, found = self._read()
        del found[name]
        self._write(None if current == name else current, found)
        if gone.token_file == f"{self._tokens}/{name}.token" and os.path.lexists(gone.token_file):
            os.unlink(gone.token_file)  # noqa: PTH108 - as above

    def _read(self) -> tuple[str | None, dict[str, Context]]:
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - as above
                refuse_open(self._path, os.fstat(file.fileno()))
                told = json.load(file)
            found = {name: _context(name, each) for name, each in told["contexts"].items()}
            current = told.get("current")
        except FileNotFoundError:
            return None, {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsInvalid(f"{self._path} cannot be read: {error}") from error
        return current if current in found else None, dict(sorted(found.items()))

    def _write(self, current: str | None, found: Mapping[str, Context]) -> None:
        told = {
            name: {"url": each.url, "token_file": each.token_file, "ca": each.ca}
            for name, each in sorted(found.items())
        }
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - as above
        fresh = f"{self._path}.{os.getpid()}"
        private.write(fresh, json.dumps({"current": current, "contexts": told}, indent=2) + "\n")
        os.replace(fresh, self._path)  # noqa: PTH105 - as above


def read_token(path: str) -> str:
    """The token in a file that is nobody else's to read. Raises BadInput, SettingsInvalid."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            refuse_open(path, os.fstat(file.fileno()))
            text = file.read(_TOKEN_MOST).decode("ascii").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInput(f"the token in {path} cannot be read: {why}") from error
    if not text or " " in text or "\n" in text:
        raise BadInput(f"{path} holds no token, which is one line")
    return text


def refuse_open(path: str, found: os.stat_result) -> None:
    """Raises SettingsInvalid for a file of somebody else, or one that others may read."""
    if found.st_uid != os.geteuid():
        raise SettingsInvalid(f"{path} belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SettingsInvalid(
            f"{path} can be read by others, and opens a door",
            hint=f"`chmod 600 {path}`, and a new token if somebody did.",
        )


def _context(name: str, told: Any) -> Context:
    texts = (told["url"], told.get("token_file"), told.get("ca"))
    if not isinstance(told["url"], str) or not all(
        text is None or type(text) is str for text in texts
    ):
        raise TypeError(f"the context {name!r} is not as it was written")
    return Context(name, *texts)
