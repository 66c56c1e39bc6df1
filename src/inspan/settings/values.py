"""The settings file as frozen values: defaults, then what ``config.yaml`` says.

A key that is not known is refused with its line, so that a typing mistake never passes for a
default. How a file is read is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from inspan.errors import BadInput, InspanError, SettingsInvalid
from inspan.model.budget import Budget, OverBudget
from inspan.model.delegation import DEPTH, Delegation
from inspan.model.memory import MemoryRules
from inspan.model.outfit import Outfit
from inspan.model.permission import Policy
from inspan.model.role import DEFAULT_LIMIT, Role
from inspan.model.sandbox import SandboxRules
from inspan.model.task import OnLimit
from inspan.model.timeouts import DEFAULT, Timeouts
from inspan.model.value import field, value
from inspan.settings import budgeting, fields, timeouts
from inspan.settings.names import is_secret
from inspan.settings.places import TIMEOUTS
from inspan.settings.reading import made_of

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from inspan.agents.declaration import Declaration
    from inspan.model.listen import Listen
    from inspan.model.notice import Target
    from inspan.settings.lined import Lined
    from inspan.settings.tracing import Tracing

GIB: Final = 1 << 30
MIB: Final = 1 << 20
#: The form of the settings files now, as ``forms`` has it.
FORM: Final = 2
#: How small and how large one log may be set to be, and how many old ones are kept at most.
LOG_LEAST: Final = 1 << 16
LOG_LARGEST: Final = GIB  # ``client.launch`` goes by it, too
LOGS_MOST: Final = 100

#: What a program needs to feel at home, and nothing that usually holds a secret.
_NAMES: Final = (  # noqa: SIM905 - ten lines rather than seventy
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM COLORTERM TERM_PROGRAM NO_COLOR "
    "FORCE_COLOR CLICOLOR CLICOLOR_FORCE LS_COLORS COLUMNS LINES EDITOR VISUAL PAGER LESS DISPLAY "
    "WAYLAND_DISPLAY XAUTHORITY SSH_AUTH_SOCK DBUS_SESSION_BUS_ADDRESS CI HOSTNAME PWD OLDPWD "
    "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV JAVA_HOME GOPATH GOROOT GOCACHE GOBIN GOFLAGS "
    "CARGO_HOME RUSTUP_HOME NVM_DIR PNPM_HOME BUN_INSTALL DENO_DIR GEM_HOME MAKEFLAGS MAKELEVEL "
    "CC CXX CFLAGS CXXFLAGS LDFLAGS LD_LIBRARY_PATH PKG_CONFIG_PATH SSL_CERT_FILE SSL_CERT_DIR "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS HTTP_PROXY HTTPS_PROXY NO_PROXY "
    "http_proxy https_proxy no_proxy INSPAN_HOME SOURCE_DATE_EPOCH TMP TEMP DEBIAN_FRONTEND "
    "GIT_SSL_CAINFO NIX_SSL_CERT_FILE PIP_CERT SHLVL"
).split()
_PREFIXES: Final = (
    "LC_",
    "RUST_",
    "XDG_",
    "PYTHON",
    "PYENV_",
    "UV_CACHE",
    "PIP_CACHE",
    "NODE_",
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
)


@value(frozen=True)
class EnvRule:
    """Which variables of the caller's environment a task gets."""

    names: frozenset[str] = frozenset(_NAMES)
    prefixes: tuple[str, ...] = tuple(_PREFIXES)

    def allows(self, name: str) -> bool:
        """True where ``name`` goes along."""
        return name in self.names or (name.startswith(self.prefixes) and not is_secret(name))

    def more(self, names: Sequence[str]) -> EnvRule:
        """A rule that lets these go along too; ``PREFIX_*`` stands for all that begin so."""
        prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
        exact = {name for name in names if not name.endswith("*")}
        return EnvRule(self.names | exact, (*self.prefixes, *prefixes))

    def split(self, env: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """What goes along, and the names of what is withheld."""
        allowed = {name: value for name, value in env.items() if self.allows(name)}
        return allowed, tuple(sorted(name for name in env if name not in allowed))


@value(frozen=True, kw_only=True)
class Retention:
    """What is kept of tasks that have ended; ``None`` keeps all."""

    older_than: float | None = 14 * 86400.0  #: seconds
    bytes: int | None = 5 * GIB
    #: Seconds for which it is kept what was measured.
    metrics: float | None = 7 * 86400.0


@value(frozen=True, kw_only=True)
class Logs:
    """How large the daemon's log becomes before it makes room, and how many old ones are kept."""

    size: int = 4 * MIB
    kept: int = 3


@value(frozen=True, kw_only=True)
class Recording:
    """How much of a session's output is kept; beyond it the middle is freed."""

    cap: int = 64 * MIB


@value(frozen=True, kw_only=True)
class CodeRest:
    """What becomes of code sessions that are left alone."""

    #: Seconds in which nothing happens in one, after which it is saved and closed.
    idle: float | None = None


@value(frozen=True, kw_only=True)
class Agents:
    """What agents do at a usage limit, unless a task says otherwise."""

    on_limit: OnLimit = OnLimit.FAIL
    #: How often one task may wait for a limit to be lifted.
    waits: int = 5
    #: Seconds, where the agent does not say when; each wait of a task is twice the one before.
    first_wait: float = 60.0
    longest_wait: float = 3600.0
    #: What one task may use.
    budget: Budget | None = None
    over_budget: OverBudget = OverBudget.ASK


@value(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    roles: tuple[Role, ...] = (
        Role("worker"),
        Role("planner"),
        Role("reviewer"),
        # She waits for others nearly all of the time: this many goals at once.
        Role("queen", 16),
    )
    #: The slots of a role that is not named.
    role_default: int = DEFAULT_LIMIT
    #: What is left to others on the machine.
    memory: MemoryRules = MemoryRules()
    timeouts: Timeouts = DEFAULT
    retention: Retention = Retention()
    recording: Recording = Recording()
    logs: Logs = Logs()
    code: CodeRest = CodeRest()
    agents: Agents = Agents()
    #: How much work agents may hand in.
    delegation: Delegation = Delegation()
    #: How many tasks of a provider may run at once, where that is limited.
    providers: dict[str, int] = field(default_factory=dict)
    #: Agents of the user's own, by name.
    declared: Mapping[str, Declaration] = field(default_factory=dict)
    #: What agents may do: the rules are for all tasks, the limit for those that set none.
    permissions: Policy = field(default_factory=Policy)
    #: What a sandbox shows, and which tasks are in one.
    sandbox: SandboxRules = field(default_factory=SandboxRules)
    #: What new worktrees get beside their files.
    workspaces: Outfit = Outfit()
    #: Where the daemon listens beside its own socket; ``None``: nowhere.
    listen: Listen | None = None
    #: Who is told of tasks that need somebody.
    notify: tuple[Target, ...] = ()
    #: Where spans of tasks go; ``None``: there are none.
    tracing: Tracing | None = None
    env: EnvRule = field(default_factory=EnvRule)
    #: Variables that agents get by reference: name → reference (``settings.secrets``).
    secrets: Mapping[str, str] = field(default_factory=dict)
    #: The byte that ends an attachment; Ctrl-\ unless set.
    detach_key: int = 0x1C

    def role(self, name: str) -> Role:
        """The role of that name, with the default limit where it is not named."""
        return next(
            (role for role in self.roles if role.name == name), Role(name, self.role_default)
        )


def load(path: str | PathLike[str], state: str | None = None) -> Settings:
    """The settings in ``path`` and the timeouts beside it; defaults where there is no such file.

    ``state``: the folder where it is kept what they say, for the next command to be sooner.

    Raises:
        SettingsInvalid: with the line.
    """
    return Settings(**_read(path, state), timeouts=timeouts.load(_beside(path), state))


def load_alone(path: Path) -> Settings:
    """The settings in ``path``, with no look at the timeouts beside it. Raises SettingsInvalid."""
    return Settings(**_read(path, None))


def _beside(path: str | PathLike[str]) -> str:
    return os.path.join(os.path.dirname(path), TIMEOUTS)  # noqa: PTH118, PTH120 - every command reads it, and pathlib costs 4 ms


def _read(path: str | PathLike[str], state: str | None) -> dict[str, Any]:
    return made_of(path, _build, state) or {}


_Part = Callable[["Lined", Any], dict[str, Any]]


def _build(document: Lined) -> dict[str, Any]:
    if document.value is None:
        return {}
    if isinstance(document.value, dict) and "limits" in document.value:
        raise SettingsInvalid(
            f"{document.at('limits')}: limits of time are in {TIMEOUTS}, beside this file",
            hint="`inspan upgrade` moves them: `command: {timeout, longest, idle}` and so on.",
        )
    sections = fields.section(document, (), document.value, _SECTIONS)
    changes: dict[str, Any] = {}
    for name, section in sections.items():
        changes |= _SECTIONS[name](document, section)
    return changes


def _version(document: Lined, value: Any) -> dict[str, Any]:
    """The form of the settings files (``forms``); it sets nothing."""
    if fields.whole(document, ("version",), value) > FORM:
        raise SettingsInvalid(
            f"{document.at('version')}: the settings have form {value}, and this inspan knows"
            f" those up to {FORM}",
            hint="A later inspan reads them; its `inspan upgrade --settings-back` may go back.",
        )
    return {}


def _roles(document: Lined, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsInvalid(f"{document.at('roles')}: roles is not a mapping of names to limits")
    given = {
        str(name): fields.whole(document, ("roles", str(name)), limit)
        for name, limit in value.items()
    }
    default = given.pop("default", DEFAULT_LIMIT)
    limits = {role.name: role.limit for role in Settings().roles}
    limits = {name: limit if limit != DEFAULT_LIMIT else default for name, limit in limits.items()}
    return {
        "role_default": default,
        "roles": tuple(Role(name, limit) for name, limit in {**limits, **given}.items()),
    }


def _retention(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("retention",), value, ("days", "bytes", "metrics"))
    changes: dict[str, Any] = {}
    for name, of in (("days", "older_than"), ("metrics", "metrics")):
        if name in given:
            changes[of] = _days(document, name, given[name])
    if "bytes" in given:
        changes["bytes"] = fields.size(document, ("retention", "bytes"), given["bytes"])
    return {"retention": Retention(**changes)}


def _days(document: Lined, name: str, days: Any) -> float | None:
    if days is None:
        return None
    if isinstance(days, bool) or not isinstance(days, int | float) or not days >= 0:
        raise SettingsInvalid(
            f"{document.at('retention', name)}: {name} is not a number of days",
            hint="Write a number from 0 up, or null, which keeps all.",
        )
    return float(days) * 86400.0


def _memory(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("memory",), value, ("keep", "start"))
    sizes = {name: fields.size(document, ("memory", name), given[name]) for name in given}
    return {"memory": MemoryRules(**{name: size or 0 for name, size in sizes.items()})}


def _logs(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("logs",), value, ("size", "kept"))
    changes: dict[str, Any] = {}
    if "size" in given:
        size = fields.size(document, ("logs", "size"), given["size"])
        if size is None or not LOG_LEAST <= size <= LOG_LARGEST:
            raise SettingsInvalid(
                f"{document.at('logs', 'size')}: logs.size is not from 64K to 1G",
                hint="The log holds what went wrong; without a bound it would fill the disk.",
            )
        changes["size"] = size
    if "kept" in given:
        kept = fields.whole(document, ("logs", "kept"), given["kept"])
        if kept > LOGS_MOST:
            raise SettingsInvalid(f"{document.at('logs', 'kept')}: logs.kept is above {LOGS_MOST}")
        changes["kept"] = kept
    return {"logs": Logs(**changes)}


def _recording(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("recording",), value, ("cap",))
    cap = fields.size(document, ("recording", "cap"), given["cap"]) if given else None
    if cap is not None and cap < MIB:
        raise SettingsInvalid(f"{document.at('recording', 'cap')}: the cap is below 1 MB")
    return {"recording": Recording(cap=cap)} if cap is not None else {}


def _code(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("code",), value, ("idle",))
    idle = fields.seconds(document, ("code", "idle"), given["idle"]) if given else None
    if idle is not None and idle < 1:
        raise SettingsInvalid(f"{document.at('code', 'idle')}: code.idle is below a second")
    return {"code": CodeRest(idle=idle)}


def _agents(document: Lined, value: Any) -> dict[str, Any]:
    known = ("on_limit", "waits", "first_wait", "longest_wait", "budget", "over_budget")
    given = fields.section(document, ("agents",), value, known)
    changes: dict[str, Any] = {}
    if "on_limit" in given:
        changes["on_limit"] = fields.one_of(
            document, ("agents", "on_limit"), given["on_limit"], OnLimit
        )
    if "waits" in given:
        changes["waits"] = fields.whole(document, ("agents", "waits"), given["waits"])
    for name in ("first_wait", "longest_wait"):
        if name in given:
            seconds = fields.seconds(document, ("agents", name), given[name])
            if seconds is None or seconds < 1:
                raise SettingsInvalid(
                    f"{document.at('agents', name)}: agents.{name} is below a second, or none"
                )
            changes[name] = seconds
    if "over_budget" in given:
        path = ("agents", "over_budget")
        changes["over_budget"] = fields.one_of(document, path, given["over_budget"], OverBudget)
    if "budget" in given:
        over = changes.get("over_budget", Agents().over_budget)
        changes["budget"] = _budget(document, given["budget"], over)
    return {"agents": Agents(**changes)}


def _budget(document: Lined, value: Any, over: OverBudget) -> Budget | None:
    try:
        return budgeting.budget(value if isinstance(value, list) else [value], over)
    except InspanError as error:
        raise SettingsInvalid(
            f"{document.at('agents', 'budget')}: {error.message}", hint=error.hint
        ) from error


def _providers(document: Lined, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsInvalid(f"{document.at('providers')}: providers is not a mapping of names")
    slots: dict[str, int] = {}
    declared: dict[str, Declaration] = {}
    for name, item in value.items():
        path = ("providers", str(name))
        if isinstance(item, dict) and not item.keys() <= {"slots"}:
            from inspan.settings.declaring import declaration  # noqa: PLC0415 - few declare any

            declared[str(name)] = declaration(document, str(name), item)
        elif fields.section(document, path, item, ("slots",)).get("slots") is None:
            continue
        if "slots" in item:
            slots[str(name)] = fields.whole(document, (*path, "slots"), item["slots"])
    return {"providers": slots, "declared": declared}


def _delegation(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("delegation",), value, ("depth", "width", "most", "agents"))
    changes: dict[str, Any] = {
        name: fields.whole(document, ("delegation", name), given[name])
        for name in ("depth", "width", "most")
        if name in given
    }
    if changes.get("depth", 0) > DEPTH:
        raise SettingsInvalid(
            f"{document.at('delegation', 'depth')}: children go {DEPTH} deep at most"
        )
    if "agents" in given:
        names = fields.words(document, ("delegation", "agents"), given["agents"])
        changes["agents"] = tuple(names)
    return {"delegation": Delegation(**changes)}


def _permissions(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.permissions import policy  # noqa: PLC0415 - only where there are some

    return {"permissions": policy(document, ("permissions",), value, Policy().expires)}


def _workspaces(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.outfit import outfit  # noqa: PLC0415 - only where there is one

    return {"workspaces": outfit(document, ("workspaces",), value)}


def _sandbox(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.sandbox import rules  # noqa: PLC0415 - only where there are some

    return {"sandbox": rules(document, ("sandbox",), value)}


def _server(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.server import listen  # noqa: PLC0415 - only where it is there

    return {"listen": listen(document, ("server",), value)}


def _notify(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.notify import targets  # noqa: PLC0415 - only where there are some

    return {"notify": targets(document, ("notify",), value)}


def _tracing(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.tracing import tracing  # noqa: PLC0415 - only where it is there

    return {"tracing": tracing(document, ("tracing",), value)}


def _env(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("env",), value, ("allow", "withhold"))
    rule = EnvRule()
    allow = fields.words(document, ("env", "allow"), given.get("allow", []))
    withhold = frozenset(fields.words(document, ("env", "withhold"), given.get("withhold", [])))
    names = rule.names | {name for name in allow if not name.endswith("*")}
    prefixes = [*rule.prefixes, *(name[:-1] for name in allow if name.endswith("*"))]
    gone = {name[:-1] for name in withhold if name.endswith("*")}
    return {"env": EnvRule(names - withhold, tuple(item for item in prefixes if item not in gone))}


def _keys(document: Lined, value: Any) -> dict[str, Any]:
    given = fields.section(document, ("keys",), value, ("detach",))
    if "detach" not in given:
        return {}
    text = str(given["detach"]).lower()
    letter = text.removeprefix("ctrl-")
    if text == letter or len(letter) != 1 or not "@" <= letter.upper() <= "_":
        raise SettingsInvalid(
            f"{document.at('keys', 'detach')}: {text!r} is no control key",
            hint="Write ctrl- and a letter or one of @ [ \\ ] ^ _, as in ctrl-\\.",
        )
    return {"detach_key": ord(letter.upper()) & 0x1F}


def _secrets(document: Lined, value: Any) -> dict[str, Any]:
    from inspan.settings.secrets import check  # noqa: PLC0415 - few have any

    given = value if isinstance(value, dict) else {}
    for name, reference in given.items():
        try:
            check(str(reference))
        except BadInput as error:
            place = document.at("secrets", str(name))
            raise SettingsInvalid(f"{place}: {error.message}", hint=error.hint) from error
    if given is not value:
        raise SettingsInvalid(f"{document.at('secrets')}: secrets is not a mapping of names")
    return {"secrets": {str(name): str(reference) for name, reference in given.items()}}


_SECTIONS: Final[dict[str, _Part]] = {
    "version": _version,
    "roles": _roles,
    "memory": _memory,
    "retention": _retention,
    "recording": _recording,
    "logs": _logs,
    "code": _code,
    "agents": _agents,
    "delegation": _delegation,
    "providers": _providers,
    "permissions": _permissions,
    "sandbox": _sandbox,
    "workspaces": _workspaces,
    "server": _server,
    "notify": _notify,
    "tracing": _tracing,
    "env": _env,
    "keys": _keys,
    "secrets": _secrets,
}
