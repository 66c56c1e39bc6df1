"""A daemon that is not here: which one is meant, and what of this machine does not go there.

``--host URL`` and ``--context NAME`` are variables by now (``main``). A token is never an argument:
every user of a machine can read those.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput, NotGranted

if TYPE_CHECKING:
    from inspan.client.address import Address
    from inspan.settings import EnvRule
    from inspan.settings.contexts import Context

#: They tell of the terminal that a task is shown on, which is here.
_SHOWN_ON: Final = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")
#: As in ``settings.contexts``, which most commands need not load.
_LOCAL: Final = "local"
_UNKNOWN: Final = "Write it to a file of mode 600 and set INSPAN_TOKEN_FILE, or make a context."


def address() -> Address | None:
    """Where the daemon is that is meant, where it is not our own.

    Raises BadInput, NotFound, NotGranted, SettingsInvalid.
    """
    url = os.environ.get("INSPAN_HOST")
    context = None if url else _context()
    if context is None and not url:
        return None
    from inspan.client.address import parse

    if context is None:
        found = parse(url or "", token=(token := _token(None)), ca=_ca())
    else:
        found = parse(context.url, token=(token := _token(context.token_file)), ca=context.ca)
    if token is None and not found.path:
        raise NotGranted(f"there is no token for {found.url}", hint=_UNKNOWN)
    return found


def _context() -> Context | None:
    from inspan.settings.places import locate

    named, where = os.environ.get("INSPAN_CONTEXT"), locate(os.environ)
    if named == _LOCAL or (not named and not os.path.lexists(where.contexts)):
        return None
    from inspan.settings.contexts import Contexts

    contexts = Contexts(where)
    named = named or contexts.current()
    return None if named is None else contexts.get(named)


def _token(file: str | None) -> str | None:
    """Of the context, else of the environment."""
    from inspan.settings.contexts import read_token

    if file is None and (told := os.environ.get("INSPAN_TOKEN")):
        return told.strip()
    file = file or os.environ.get("INSPAN_TOKEN_FILE")
    return read_token(file) if file else None


def _ca() -> str | None:
    return os.environ.get("INSPAN_CA") or None


def refuse(what: str, instead: str) -> None:
    """Raises BadInput where the daemon is not here."""
    if (there := address()) is not None:
        raise BadInput(f"{what}, and the daemon is at {there.url}", hint=instead)


def folder(given: str | None) -> str:
    """A folder there; empty: the daemon's own choice. Raises BadInput."""
    if given is None:
        return ""
    if not given.startswith("/"):
        raise BadInput(
            f"{given!r} would be a folder of this machine",
            hint="Name a folder there, from `/` on; without --cwd it is the home of its user.",
        )
    return os.path.normpath(given)


def rule(*, everything: bool) -> EnvRule:
    """Which variables go along: those about what the task is shown on. Raises BadInput."""
    if everything:
        raise BadInput(
            "--env-all would send all variables of this machine to another one",
            hint="Name those that it needs: --env NAME.",
        )
    from inspan.settings import EnvRule

    return EnvRule(frozenset(_SHOWN_ON), ())


def secrets(asked: Sequence[str]) -> dict[str, str]:
    """References that are looked up there. Raises BadInput."""
    found = {}
    for item in asked:
        name, equals, reference = item.partition("=")
        if not equals:
            raise BadInput(
                f"the value of {name} is on this machine, and is not sent",
                hint=f"Write --secret {name}=file:PATH for a file there.",
            )
        from inspan.settings.secrets import check

        found[name] = check(reference)
    return found
