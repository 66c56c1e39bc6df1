"""What a task is passed on of its caller: an agent's variables, its keys by reference, its pipes.

It reads what it is handed, and holds values in ``settings.secrets`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from inspan.errors import BadInput
from inspan.model.agent import Mode, is_agent
from inspan.model.task import BY_LINES, Handover, TerminalSpec
from inspan.settings.places import Places
from inspan.settings.values import EnvRule, Settings

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect
    from inspan.settings.secrets import Secrets


def dialect_of(provider: str, settings: Settings) -> Dialect | None:
    """The agent of that name: of ours, of the settings, or of an installed package, in this order.

    ``None`` where it is none. Raises ProviderBroken.
    """
    if not is_agent(provider):
        return None
    from inspan.agents.registry import find  # noqa: PLC0415 - most tasks have no agent

    if (own := find(provider)) is not None:
        return own
    declaration = settings.declared.get(provider)
    if declaration is not None:
        from inspan.agents.declared import Declared  # noqa: PLC0415 - as above

        return Declared(declaration)
    from inspan.providers.installed import find as find_installed  # noqa: PLC0415 - as above

    return find_installed(provider)


def rule_of(dialect: Dialect | None, rule: EnvRule) -> EnvRule:
    """Which variables go along: those of ``rule``, and those that the agent needs."""
    return rule if dialect is None else rule.more(dialect.settings)


def terminal_of(
    dialect: Dialect | None, mode: Mode | None, otherwise: TerminalSpec
) -> TerminalSpec:
    """Agents that speak by lines have pipes, whose both sides are recorded; others a terminal."""
    if dialect is None:
        return otherwise
    if (mode or dialect.modes[0]) is Mode.PTY:
        return otherwise.for_agent()
    return BY_LINES


def secrets_of(
    dialect: Dialect | None,
    given: dict[str, str],
    *,
    env: Mapping[str, str],
    asked: Sequence[str],
    settings: Mapping[str, str],
    places: Places,
) -> dict[str, str]:
    """``take``, for the keys of an agent and what was asked for beside them. Raises BadInput."""
    if dialect is None and not asked:
        return {}
    from inspan.settings.secrets import Secrets  # noqa: PLC0415 - as above

    places.prepare()
    known = () if dialect is None else dialect.secrets
    held = Secrets(places.secrets, env)
    return take(given, env=env, asked=asked, known=known, settings=settings, secrets=held)


def handover(
    provider: str,
    mode: Mode | None,
    *,
    settings: Settings,
    places: Places,
    env: Mapping[str, str],
) -> Handover:
    """What another agent gets that goes on with a task: its own variables, its keys by reference.

    Raises BadInput.
    """
    dialect = dialect_of(provider, settings)
    if dialect is None:
        raise BadInput(f"no agent is called {provider!r}", hint="`inspan agents` lists them.")
    own = EnvRule(frozenset(), ()).more(dialect.settings)
    given = {name: value for name, value in env.items() if own.allows(name) and value.isprintable()}
    secrets = secrets_of(
        dialect, given, env=env, asked=(), settings=settings.secrets, places=places
    )
    return Handover(provider=provider, mode=mode, env=given, secrets=secrets)


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
    from inspan.settings.secrets import check  # noqa: PLC0415 - as above

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
