"""Variables of a task whose values are stored nowhere: what the caller has becomes references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inspan.errors import BadInput
from inspan.settings.secrets import Secrets, check


def take(
    given: dict[str, str],
    *,
    env: Mapping[str, str],
    asked: Sequence[str],
    known: Sequence[str],
    settings: Mapping[str, str],
    secrets: Secrets,
) -> dict[str, str]:
    """Name → reference; what is secret leaves ``given``, the variables that are stored.

    ``asked`` are ``NAME`` or ``NAME=REFERENCE`` of the person, ``known`` the names under which an
    agent takes its keys, and ``settings`` has references for names. Raises BadInput.
    """
    references = {name: check(text) for name, text in settings.items() if name in known}
    for name in known:
        value = given.pop(name, None) or env.get(name)
        if value and name not in references:
            references[name] = secrets.hold(value)
    for item in asked:
        name, equals, reference = item.partition("=")
        if equals:
            references[name] = check(reference)
        elif name in settings:
            references[name] = check(settings[name])
        elif env.get(name):
            references[name] = secrets.hold(env[name])
        else:
            raise BadInput(
                f"the variable {name} is not set here",
                hint=f"Set it, or write --secret {name}=file:PATH.",
            )
        given.pop(name, None)
    return references
