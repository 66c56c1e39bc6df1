"""A file of tasks: a list, or a mapping with ``tasks`` and ``defaults``, in YAML or JSON.

Each mistake is told with its line. It turns text into specs; it starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from inspan.cli import afar, asking
from inspan.errors import BadInput, CyclicPlan, InspanError
from inspan.model.agent import Mode, is_agent
from inspan.model.budget import Budget, OverBudget
from inspan.model.permission import Policy
from inspan.model.plan import order
from inspan.model.sandbox import TaskSandbox
from inspan.model.task import OnCrash, OnLimit, Patience, TaskSpec, TerminalSpec, WorkspaceKind
from inspan.settings import Settings, locate, passing
from inspan.settings.lined import Lined, read
from inspan.settings.permissions import policy
from inspan.telling.phrases import SHELL

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect

SUFFIXES: Final = (".yaml", ".yml", ".json")
#: A file larger than this is no task file.
BYTES_MOST: Final = 16 << 20
#: What other tools call keys of ours.
_OTHERWISE: Final = {
    "cmd": "run",
    "command": "run",
    "script": "run",
    "depends_on": "after",
    "needs": "after",
    "environment": "env",
    "folder": "cwd",
    "workdir": "cwd",
    "working_dir": "cwd",
    "check": "checks",
}
_STATE_WORDS: Final = ("tasks", "defaults")


@dataclass(frozen=True, slots=True)
class _Place:
    """One task of the file: its keys, its defaults, and where it stands."""

    document: Lined
    path: tuple[str | int, ...]
    given: dict[str, Any]

    def refuse(self, key: str | None, what: str, hint: str | None = None) -> BadInput:
        """A BadInput that names the line of ``key``."""
        where = self.document.at(*self.path, *([key] if key else []))
        return BadInput(f"{where}: {what}", hint=hint)


def load(
    path: Path, settings: Settings, env: Mapping[str, str], terminal: TerminalSpec
) -> tuple[TaskSpec, ...]:
    """The tasks of a file, in its order; ``after`` has ``@N`` for tasks of the same file.

    Raises:
        BadInput: with the line; CyclicPlan with the circle.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MOST + 1)
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not valid UTF-8") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > BYTES_MOST:
        raise BadInput(f"{path} is too large for a task file")
    return parse(text, str(path), settings, env, terminal)


def parse(
    text: str, source: str, settings: Settings, env: Mapping[str, str], terminal: TerminalSpec
) -> tuple[TaskSpec, ...]:
    """What ``load`` does, from text."""
    document = read(text, source)
    places = _places(document)
    names = [_text(place, "name", "") or str(index) for index, place in enumerate(places)]
    _refuse_twice(names, places)
    links = {name: _after(place, names) for name, place in zip(names, places, strict=True)}
    _refuse_circles(links, names, places)
    base = Path(source).resolve().parent
    specs = []
    for name, place in zip(names, places, strict=True):
        linked = tuple(f"@{names.index(wanted)}" for wanted in links[name])
        specs.append(_spec(place, name, linked, base, settings, env, terminal))
    return tuple(specs)


def _places(document: Lined) -> list[_Place]:
    value = document.value
    path: tuple[str | int, ...] = ()
    defaults: dict[str, Any] = {}
    if isinstance(value, dict):
        for key in value:
            if key not in _STATE_WORDS:
                raise BadInput(
                    f"{document.at(str(key))}: {key!r} is not known here",
                    hint="At the top there are `tasks` and `defaults`.",
                )
        defaults = _mapping(document, ("defaults",), value.get("defaults") or {})
        _refuse_unknown(_Place(document, ("defaults",), defaults))
        path, value = ("tasks",), value.get("tasks")
    if isinstance(value, dict):
        items = [
            (
                (*path, str(name)),
                {"name": str(name), **_mapping(document, (*path, str(name)), item)},
            )
            for name, item in value.items()
        ]
    elif isinstance(value, list):
        items = [
            ((*path, index), _mapping(document, (*path, index), item))
            for index, item in enumerate(value)
        ]
    else:
        raise BadInput(
            f"{document.at(*path)}: there is no list of tasks",
            hint="Write a list, or a mapping with `tasks`; each task has at least `run`.",
        )
    if not items:
        raise BadInput(f"{document.at(*path)}: the list of tasks is empty")
    places = [_Place(document, where, {**defaults, **item}) for where, item in items]
    for place in places:
        _refuse_unknown(place)
    return places


def _mapping(document: Lined, path: tuple[str | int, ...], item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"run": item}
    if not isinstance(item, dict):
        raise BadInput(f"{document.at(*path)}: a task is a command or a mapping")
    return {str(key): value for key, value in item.items()}


def _refuse_unknown(place: _Place) -> None:
    for key in place.given:
        if key not in _KEYS:
            meant = f"Did you mean `{_OTHERWISE[key]}`? " if key in _OTHERWISE else _near(key)
            known = f"{meant}Known: {', '.join(sorted(_KEYS))}."
            raise place.refuse(key, f"{key!r} is not known here", known)


def _near(key: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key.lower(), [*_KEYS, *_OTHERWISE], n=1)
    return f"Did you mean `{_OTHERWISE.get(near[0], near[0])}`? " if near else ""


def _refuse_twice(names: list[str], places: list[_Place]) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            raise places[index].refuse("name", f"two tasks are called {name!r}")
        first[name] = index


def _after(place: _Place, names: list[str]) -> tuple[str, ...]:
    given = place.given.get("after", [])
    wanted = [given] if isinstance(given, str) else given
    if not isinstance(wanted, list) or not all(isinstance(item, str | int) for item in wanted):
        raise place.refuse("after", "`after` is not a list of names")
    for name in wanted:
        if str(name) not in names:
            raise place.refuse("after", f"it waits for {str(name)!r}, which is not in this file")
    return tuple(str(name) for name in wanted)


def _refuse_circles(
    links: dict[str, tuple[str, ...]], names: list[str], places: list[_Place]
) -> None:
    try:
        order(links)
    except CyclicPlan as error:
        circle = error.message.partition(": ")[2].partition(" → ")[0]
        place = places[names.index(circle)] if circle in names else places[0]
        raise CyclicPlan(f"{place.document.at(*place.path, 'after')}: {error.message}") from error


def _spec(
    place: _Place,
    name: str,
    linked: tuple[str, ...],
    base: Path,
    settings: Settings,
    env: Mapping[str, str],
    terminal: TerminalSpec,
) -> TaskSpec:
    wanted = {key: str(value) for key, value in _dict(place, "env").items()}
    far = afar.address() is not None
    provider, dialect = _provider(place, settings, far=far)
    mode = _choice(place, "mode", Mode, None)
    rule = afar.rule(everything=False) if far else passing.rule_of(dialect, settings.env)
    given, withheld = asking.environment(env, rule, [])
    cwd = _tried(place, "cwd", lambda: _folder(place, base, far=far))
    secrets = _secrets(place, dialect, given, settings, env)
    return TaskSpec(
        command=_command(place),
        prompt=_text(place, "prompt", "") or None,
        provider=provider,
        mode=mode,
        name=name if "name" in place.given else "",
        role=_text(place, "role", "worker"),
        cwd=cwd,
        env={**given, **wanted, **({} if far else {"PWD": cwd})},
        withheld=() if far else tuple(name for name in withheld if name not in {*wanted, *secrets}),
        secrets=secrets,
        after=linked,
        priority=_tried(
            place, "priority", lambda: asking.storable("priority", _int(place, "priority", 0))
        ),
        patience=_tried(
            place,
            "timeout",
            lambda: _patience(place, settings, provider),
        ),
        permissions=_permissions(place, settings, agent=dialect is not None),
        sandbox=_sandbox(place, settings, dialect),
        retries=_tried(
            place, "retries", lambda: asking.at_least_zero("retries", _int(place, "retries", 0))
        ),
        checks=_list(place, "checks"),
        setup=_list(place, "setup"),
        terminal=passing.terminal_of(dialect, mode, terminal),
        workspace=_choice(place, "workspace", WorkspaceKind, WorkspaceKind.HERE),
        base=_text(place, "base", "HEAD"),
        on_crash=_choice(place, "on_crash", OnCrash, OnCrash.ASK),
        budget=_budget(place, settings, agent=dialect is not None),
        on_limit=_choice(place, "on_limit", OnLimit, None),
        review=_bool(place, "review"),
        labels={key: str(value) for key, value in _dict(place, "labels").items()},
        delegates=_delegates(place, agent=dialect is not None),
    )


def _provider(place: _Place, settings: Settings, *, far: bool) -> tuple[str, Dialect | None]:
    """Who runs it, and the agent that it is; which there are on another machine is known there."""
    key = "agent" if "agent" in place.given else "provider"
    provider = _text(place, key, "shell")
    dialect: Dialect | None = _tried(place, key, lambda: passing.dialect_of(provider, settings))
    if dialect is None and is_agent(provider) and not far:
        raise place.refuse(
            key,
            f"no agent is called {provider!r}",
            "`inspan agents` lists them, the settings declare one of your own; `run: CMD` runs any"
            " command.",
        )
    return provider, dialect


def _folder(place: _Place, base: Path, *, far: bool) -> str:
    """Where it works; on another machine only what is named from `/` on is a folder there."""
    if far:
        return afar.folder(_text(place, "cwd", "") or None)
    return asking.folder(os.path.normpath(base / _text(place, "cwd", ".")))


def _patience(place: _Place, settings: Settings, provider: str) -> Patience | None:
    timeout, idle = (_figure(place, name) for name in ("timeout", "idle"))
    return asking.patience(settings, provider, timeout, idle, foreground=False)


def _secrets(
    place: _Place,
    dialect: Dialect | None,
    given: dict[str, str],
    settings: Settings,
    env: Mapping[str, str],
) -> dict[str, str]:
    asked = [f"{key}={value}" for key, value in _dict(place, "secrets").items()]
    if afar.address() is not None:
        return cast("dict[str, str]", _tried(place, "secrets", lambda: afar.secrets(asked)))

    def found() -> dict[str, str]:
        places = locate(os.environ)
        return passing.secrets_of(
            dialect, given, env=env, asked=asked, settings=settings.secrets, places=places
        )

    return cast("dict[str, str]", _tried(place, "secrets", found))


def _permissions(place: _Place, settings: Settings, *, agent: bool) -> Policy | None:
    if "permissions" not in place.given:
        return None
    if not agent:
        raise place.refuse("permissions", "only an agent asks for permissions")
    path, value = (*place.path, "permissions"), place.given["permissions"]
    return policy(place.document, path, value, settings.permissions.expires)


def _delegates(place: _Place, *, agent: bool) -> bool:
    wanted = _bool(place, "mcp")
    if wanted and not agent:
        raise place.refuse("mcp", "only an agent hands in tasks of its own")
    return wanted


def _sandbox(place: _Place, settings: Settings, dialect: Dialect | None) -> TaskSandbox | None:
    agent = dialect is not None
    wanted = None if afar.address() is not None else settings.sandbox.usual(agent=agent)
    if "sandbox" in place.given:
        from inspan.settings.sandbox import of_task

        path, value = (*place.path, "sandbox"), place.given["sandbox"]
        wanted = of_task(place.document, path, value, settings.sandbox, agent=agent)
    if wanted is not None:
        from inspan.agents.dialect import kept_by

        kept = () if dialect is None else kept_by(dialect)
        for name in ("HOME", *(folder.variable for folder in kept)):
            if name in _dict(place, "env"):
                raise place.refuse(
                    "env", f"{name} says what a sandbox lets it write, and a task file does not"
                )
    return wanted


def _budget(place: _Place, settings: Settings, *, agent: bool) -> Budget | None:
    over = _choice(place, "over_budget", OverBudget, None)
    given = _list(place, "budget")
    budget: Budget | None = _tried(
        place, "budget", lambda: asking.budget(settings, given, over, agent=agent)
    )
    return budget


def _command(place: _Place) -> tuple[str, ...]:
    given = place.given.get("run")
    if given is None:
        if "prompt" in place.given:
            return ()
        raise place.refuse(None, "the task has no `run`", "Write `run: CMD`, or `prompt: TEXT`.")
    if isinstance(given, list):
        return _list(place, "run")
    if not isinstance(given, str) or not given.strip():
        raise place.refuse("run", "`run` is not a command")
    # A line of text is a line for the shell, as in a Makefile; a list is run as it is.
    return (*SHELL, given)


def _tried(place: _Place, key: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except InspanError as error:
        raise place.refuse(key, error.message, error.hint) from error


def _figure(place: _Place, key: str) -> str | None:
    value = place.given.get(key)
    if key in place.given and value is None:
        return "none"
    return None if value is None else str(value)


def _text(place: _Place, key: str, otherwise: str) -> str:
    value = place.given.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise place.refuse(key, f"`{key}` is not a text")
    if "\0" in str(value):
        raise place.refuse(key, f"`{key}` holds a NUL")
    return str(value)


def _int(place: _Place, key: str, otherwise: int) -> int:
    value = place.given.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.refuse(key, f"`{key}` is not a whole number")
    return int(value)


def _bool(place: _Place, key: str) -> bool:
    value = place.given.get(key, False)
    if not isinstance(value, bool):
        raise place.refuse(key, f"`{key}` is neither true nor false")
    return value


def _list(place: _Place, key: str) -> tuple[str, ...]:
    value = place.given.get(key, [])
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(
        isinstance(item, str | int | float) for item in items
    ):
        raise place.refuse(key, f"`{key}` is not a list of texts")
    return tuple(str(item) for item in items)


def _dict(place: _Place, key: str) -> dict[str, Any]:
    value = place.given.get(key, {})
    if not isinstance(value, dict) or not all(
        isinstance(name, str) and isinstance(item, str | int | float)
        for name, item in value.items()
    ):
        raise place.refuse(key, f"`{key}` is not a mapping of names to texts")
    return value


def _choice(place: _Place, key: str, kind: Any, otherwise: Any) -> Any:
    if key not in place.given:
        return otherwise
    value = place.given[key]
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(item.value for item in kind)
        raise place.refuse(key, f"`{key}` is none of: {words}") from None


_KEYS: Final = frozenset(
    (
        "name",
        "run",
        "prompt",
        "provider",
        "agent",
        "mode",
        "secrets",
        "role",
        "cwd",
        "env",
        "after",
        "priority",
        "timeout",
        "idle",
        "permissions",
        "sandbox",
        "retries",
        "checks",
        "setup",
        "workspace",
        "base",
        "on_crash",
        "on_limit",
        "budget",
        "over_budget",
        "review",
        "labels",
        "mcp",
    )
)
