"""Who is told of tasks, as people write it: under ``notify``, a name with a way to reach it.

A mistake is refused with its line. What a reference leads to is not looked at here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput, InspanError, SettingsInvalid
from inspan.model.notice import USUAL, Command, Desktop, NoticeKind, Target, Webhook
from inspan.model.origin import loopback, parsed
from inspan.settings import fields
from inspan.settings.secrets import KINDS, check

if TYPE_CHECKING:
    from inspan.settings.lined import Lined

_WAYS: Final = ("webhook", "desktop", "command")
_FOR_ALL: Final = ("kinds", "roles", "tasks", "gather", "every", "words")
_FOR_WEBHOOKS: Final = ("secret", "plain")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: The longest that may be waited for more, in seconds.
_LONGEST: Final = 3600.0


def targets(document: Lined, path: tuple[str, ...], value: Any) -> tuple[Target, ...]:
    """Those in the section at ``path``. Raises SettingsInvalid."""
    if not isinstance(value, dict):
        raise SettingsInvalid(
            f"{document.at(*path)}: notify is not a mapping of names",
            hint="Write `desk: {desktop: true}`, or another name and way.",
        )
    return tuple(_target(document, (*path, str(name)), item) for name, item in value.items())


def _target(document: Lined, path: tuple[str, ...], value: Any) -> Target:
    given = fields.section(document, path, value, (*_WAYS, *_FOR_ALL, *_FOR_WEBHOOKS))
    try:
        if not _NAME.fullmatch(path[-1]):
            raise BadInput(
                f"{path[-1]!r} is no name for one who is told",
                hint="Small letters and digits, with - and _ between them.",
            )
        way = _way(given)
        words = given.get("words", True)
        if not isinstance(words, bool):
            raise BadInput("words is neither true nor false")
        return Target(
            name=path[-1],
            way=way,
            kinds=_kinds(given.get("kinds")),
            roles=_texts(given, "roles"),
            tasks=_texts(given, "tasks"),
            gather=_seconds(document, path, given, "gather", 2.0),
            every=_seconds(document, path, given, "every", 10.0),
            words=words,
        )
    except SettingsInvalid:
        raise
    except InspanError as error:
        raise SettingsInvalid(f"{document.at(*path)}: {error.message}", hint=error.hint) from error


def _way(given: dict[str, Any]) -> Webhook | Desktop | Command:
    ways = [name for name in _WAYS if given.get(name) not in (None, False)]
    if len(ways) != 1:
        raise BadInput("it names no way, or several", hint=f"Name one of: {', '.join(_WAYS)}.")
    if ways != ["webhook"]:
        for name in _FOR_WEBHOOKS:
            if name in given:
                raise BadInput(f"{name} is for a webhook alone")
    match ways[0]:
        case "webhook":
            return _webhook(given)
        case "command":
            return Command(argv=_argv(given["command"]))
        case _:
            if given["desktop"] is not True:
                raise BadInput("desktop is neither true nor false")
            return Desktop()


def _webhook(given: dict[str, Any]) -> Webhook:
    url, secret, plain = given["webhook"], given.get("secret"), given.get("plain", False)
    if not isinstance(url, str) or not isinstance(plain, bool):
        raise BadInput("webhook is no text, or plain neither true nor false")
    referred = url.partition(":")[0] in KINDS
    check(url) if referred else _refuse_open(url, plain=plain)
    if secret is not None:
        check(str(secret))
    secret = None if secret is None else str(secret)
    return Webhook(url=url, referred=referred, secret=secret, plain=plain)


def _refuse_open(url: str, *, plain: bool) -> None:
    """Raises BadInput for what is no URL, or where others could read along."""
    origin, _ = parsed(url)
    if origin.scheme == "http" and not plain and not loopback(origin.host):
        raise BadInput(
            f"what goes to {origin} can be read on its way",
            hint="Write https://, or `plain: true` where nobody minds.",
        )


def _argv(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(it, str) for it in given):
        raise BadInput(
            "command is not a list of words",
            hint="Write command: [PROGRAM, ARGUMENT]. No shell reads it; numbers go in quotes.",
        )
    if any("\0" in word for word in given) or not given[0]:
        raise BadInput("command has an empty program, or a NUL character in it")
    if "/" in given[0] and not os.path.isabs(given[0]):  # noqa: PTH117 - text, no path yet
        raise BadInput(
            f"{given[0]!r} would be looked for in whatever folder the daemon is",
            hint="Name a program on the PATH, or write the whole path to it.",
        )
    return tuple(given)


def _kinds(given: Any) -> frozenset[NoticeKind]:
    if given is None:
        return USUAL
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, list) or not items:
        raise BadInput("kinds is not a list", hint=f"Known: {_listed([*NoticeKind, 'all'])}.")
    if items == ["all"]:
        return frozenset(NoticeKind)
    unknown = [item for item in items if item not in [*NoticeKind]]
    if unknown:
        raise BadInput(
            f"{unknown[0]!r} is no kind of notice", hint=f"Known: {_listed([*NoticeKind, 'all'])}."
        )
    return frozenset(NoticeKind(item) for item in items)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def _texts(given: dict[str, Any], key: str) -> tuple[str, ...]:
    items = given.get(key, [])
    items = [items] if isinstance(items, str) else items
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise BadInput(f"{key} is not a list of names")
    return tuple(items)


def _seconds(
    document: Lined, path: tuple[str, ...], given: dict[str, Any], key: str, usual: float
) -> float:
    if key not in given:
        return usual
    seconds = fields.seconds(document, (*path, key), given[key])
    if seconds is None or seconds > _LONGEST:
        raise BadInput(f"{key} is more than an hour, or none")
    return seconds
