"""The base of a daemon: what a task gets here that comes from afar and lacks it.

A command line sends what it wants and not the environment of the machine that it is typed on. So
variables come from the daemon's own environment by the same allow-list as ever, an agent's keys
from there by reference, and the folder is the user's. What the task says itself goes before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput, FolderMissing
from inspan.model.agent import Mode
from inspan.settings import passing, pursuing

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect
    from inspan.model.code import CodeSpec
    from inspan.model.task import Handover, TaskSpec
    from inspan.settings.places import Places
    from inspan.settings.values import Settings

#: They tell of the terminal in which the daemon happened to be started.
_OF_A_TERMINAL: Final = frozenset(
    (
        *("TERM", "TERM_PROGRAM", "COLORTERM", "COLUMNS", "LINES", "PWD", "OLDPWD", "SHLVL"),
        *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"),
        *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),
    )
)
#: What every terminal of ours is, where nobody says what it is shown on.
_TERM: Final = "xterm-256color"


class Base:
    """``server.base.Base`` of this process."""

    def __init__(self, settings: Settings, places: Places, env: Mapping[str, str]) -> None:
        self._settings = settings
        self._places = places
        self._env = {name: value for name, value in env.items() if value.isprintable()}

    def task(self, spec: TaskSpec) -> TaskSpec:
        """``spec`` with what it lacks. Raises FolderMissing, and what looking up keys does."""
        dialect = passing.dialect_of(spec.provider, self._settings)
        cwd = self._folder(spec.cwd)
        rule = passing.rule_of(dialect, self._settings.env)
        others: tuple[Dialect, ...] = ()
        if pursuing.is_goal(spec):
            spec = pursuing.filled(spec, self._settings, self._env)
            others = pursuing.served(pursuing.said(spec, self._settings), self._settings)
        for other in others:
            rule = passing.rule_of(other, rule)
        own, withheld = rule.split(self._env)
        given = {**self._plain(own), **spec.env, "PWD": cwd}
        secrets = self._secrets(dialect, given)
        for other in others:
            secrets |= self._secrets(other, given)
        secrets |= spec.secrets
        kept_back = {*withheld, *spec.withheld} - secrets.keys() - given.keys()
        return replace(
            spec,
            cwd=cwd,
            env=given,
            secrets=secrets,
            withheld=tuple(sorted(kept_back)),
            terminal=passing.terminal_of(dialect, spec.mode, spec.terminal),
            sandbox=spec.sandbox or self._settings.sandbox.usual(agent=dialect is not None),
        )

    def by_lines(self, provider: str, mode: Mode | None) -> bool:
        """Whether that is an agent which is spoken to by lines. Raises ProviderBroken."""
        dialect = passing.dialect_of(provider, self._settings)
        return dialect is not None and (mode or dialect.modes[0]) is not Mode.PTY

    def handover(self, to: Handover) -> Handover:
        """``to`` with what that agent needs. Raises BadInput."""
        made = passing.handover(
            to.provider, to.mode, settings=self._settings, places=self._places, env=self._env
        )
        return replace(to, env={**made.env, **to.env}, secrets={**made.secrets, **to.secrets})

    def code(self, spec: CodeSpec) -> CodeSpec:
        """``spec`` with what it lacks. Raises FolderMissing."""
        own, _ = self._settings.env.split(self._env)
        cwd = self._folder(spec.cwd)
        return replace(spec, cwd=cwd, env={**self._plain(own), **spec.env, "PWD": cwd})

    def _plain(self, own: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in own.items() if name not in _OF_A_TERMINAL}
        return {"TERM": _TERM, **kept}

    def _secrets(self, dialect: Dialect | None, given: dict[str, str]) -> dict[str, str]:
        return passing.secrets_of(
            dialect,
            given,
            env=self._env,
            asked=(),
            settings=self._settings.secrets,
            places=self._places,
        )

    def _folder(self, given: str) -> str:
        path = given or self._env.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - text, as in the spec
        if not os.path.isabs(path):  # noqa: PTH117 - as above
            raise BadInput(f"{given!r} is no absolute path", hint="Name the folder from `/` on.")
        if not os.path.isdir(path):  # noqa: PTH112 - as above
            raise FolderMissing(f"the folder {path} does not exist on the machine of the daemon")
        return path
