"""Agents of other packages: dialects that they name in the entry points ``inspan.agents``.

A package is loaded when its agent is asked for by name, and never before. It runs in this process,
as whoever installed it wanted; what it raises is its own trouble and nobody else's, so that each
of its methods is called behind a shield.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from inspan.agents import dialect as d
from inspan.agents.dialect import Dialect, Talk, Turn
from inspan.agents.handed import Handed
from inspan.agents.served import HasTerminals, Served, Serves
from inspan.agents.signs import Sign, TurnEnded
from inspan.errors import BadInput, InspanError, ProviderBroken
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit
from inspan.model.value import value

GROUP: Final = "inspan.agents"
#: What a dialect must have, and of which kind.
_TEXTS: Final = ("name", "program", "install")
_LISTS: Final = (("modes", Mode), ("settings", str), ("secrets", str))
_METHODS: Final = ("check", "argv", "env", "talk")
#: What it may have beside that: the members of the other Protocols of ``agents.dialect``.
_MORE: Final = (
    d.Telling,
    d.TellsLogin,
    d.TellsVersion,
    d.HasAdapters,
    d.HasScreenRules,
    d.KeepsFolders,
)


@value
class Offer:
    """An agent that a package names; nothing of it is loaded yet."""

    name: str
    package: str  #: with its version


def offers() -> tuple[Offer, ...]:
    """All that is named."""
    found = entry_points(group=GROUP)
    return tuple(sorted((Offer(e.name, _package(e)) for e in found), key=lambda one: one.name))


def find(name: str) -> Dialect | None:
    """The agent of that name; ``None`` where no package has it. Raises ProviderBroken."""
    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        return None
    packages = sorted({_package(entry) for entry in found})
    if len(packages) > 1:
        raise ProviderBroken(
            f"Several packages have an agent {name!r}: {', '.join(packages)}.",
            hint="Uninstall all but one.",
        )
    return _Shielded(_made(found[0], packages[0]), packages[0])


def _package(entry: EntryPoint) -> str:
    about = entry.dist
    return "an unknown package" if about is None else f"{about.name} {about.version}"


def _made(entry: EntryPoint, package: str) -> Dialect:
    """What its entry point leads to: a dialect, or what makes one."""
    try:
        found = entry.load()
        made: Dialect = found() if isinstance(found, type) or not hasattr(found, "argv") else found
    except (Exception, SystemExit) as error:
        raise _broken(entry.name, package, error) from error
    amiss = next(_amiss(made, entry.name), None)
    if amiss is not None:
        raise ProviderBroken(f"The agent {entry.name!r} of {package} is none: {amiss}.")
    return made


def _amiss(made: Any, name: str) -> Iterator[str]:
    """What a dialect has and it has not. To look may run code of its own."""
    try:
        for one in _TEXTS:
            if not isinstance(getattr(made, one, None), str):
                yield f"its `{one}` is no text"
        for one, kind in _LISTS:
            found = getattr(made, one, None)
            if not isinstance(found, tuple) or not all(isinstance(item, kind) for item in found):
                yield f"its `{one}` is no tuple of {kind.__name__}"
        for one in _METHODS:
            if not callable(getattr(made, one, None)):
                yield f"it has no method `{one}`"
        if made.name != name:
            yield f"it calls itself {made.name!r}"
        if not made.modes or not made.program:
            yield "it has no mode, or no program"
    except Exception as error:  # noqa: BLE001 - somebody else's code
        yield f"{type(error).__name__}: {error}"


def _broken(name: str, package: str, error: BaseException) -> ProviderBroken:
    return ProviderBroken(
        f"The agent {name!r} of {package} is broken: {type(error).__name__}: {error}"[:1000],
        hint=f"Tell those who make {package}, or uninstall it.",
    )


def _members(protocol: type) -> Iterable[str]:
    return (name for name in vars(protocol) if not name.startswith("_"))


class _Shielded:
    """A dialect whose mistakes carry the name of its package."""

    def __init__(self, inner: Dialect, package: str) -> None:
        self.source: Final = package
        self.name: Final = inner.name
        self.program: Final = inner.program
        self.install: Final = inner.install
        self.modes: Final = inner.modes
        self.settings: Final = inner.settings
        self.secrets: Final = inner.secrets
        self._inner = inner
        for protocol in _MORE:
            for name in _members(protocol):
                if hasattr(inner, name):
                    found = getattr(inner, name)
                    setattr(self, name, self._shield(found) if callable(found) else found)

    def check(self, turn: Turn) -> None:
        """As the dialect does. Raises ProviderBroken too."""
        self._shield(self._inner.check)(turn)

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """As the dialect has it. Raises ProviderBroken."""
        argv: tuple[str, ...] = self._shield(self._inner.argv)(turn)
        return argv

    def env(self, turn: Turn) -> dict[str, str]:
        """As the dialect has it. Raises ProviderBroken."""
        env: dict[str, str] = self._shield(self._inner.env)(turn)
        return env

    def talk(self, turn: Turn) -> Talk:
        """A conversation behind a shield of its own. Raises ProviderBroken."""
        return _ShieldedTalk(self._shield(self._inner.talk)(turn), self.name, self.source)

    def _shield(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            try:
                return method(*args, **named)
            except InspanError:
                raise
            except Exception as error:
                raise _broken(self.name, self.source, error) from error

        return call


class _ShieldedTalk:
    """A conversation that ends where its reader breaks, rather than to go on unheard."""

    def __init__(self, inner: Talk, name: str, package: str) -> None:
        self._inner = inner
        self._name = name
        self._package = package
        self._trouble: Outcome | None = None
        self.fed: Final = isinstance(inner, d.Fed) and inner.fed

    @property
    def over(self) -> bool:
        """True too where it is broken: its input ends, and it is told to go."""
        return self._trouble is not None or bool(self._tried(lambda: self._inner.over, True))

    def begin(self) -> bytes:
        """As the talk does; nothing where it is broken."""
        began: bytes = self._tried(self._inner.begin, b"")
        return began

    def heard(self, line: bytes) -> Iterable[Sign]:
        """As the talk does, and the end where it breaks."""
        if self._trouble is not None:
            return ()
        signs: list[Sign] = self._tried(lambda: list(self._inner.heard(line)), [])
        return signs if self._trouble is None else [*signs, TurnEnded(self._trouble)]

    def sent(self, line: bytes) -> None:
        """As the talk does."""
        self._tried(lambda: self._inner.sent(line), None)

    @property
    def handed(self) -> Handed:
        """As the talk has it."""
        handed: Handed = self._tried(lambda: self._inner.handed, Handed())
        return handed

    def ask(self, prompt: str, key: str = "") -> bytes | None:
        """As the talk does."""
        told: bytes | None = self._tried(lambda: self._inner.ask(prompt, key), None)
        return told

    def answer(self, request: str, text: str) -> bytes | None:
        """As the talk does. Raises BadInput where that does."""
        told: bytes | None = self._tried(lambda: self._inner.answer(request, text), None)
        return told

    def served(self, request: str, answer: Served) -> bytes | None:
        """As the talk does, where it has us do things."""
        inner = self._inner
        if not isinstance(inner, Serves):
            return None
        told: bytes | None = self._tried(lambda: inner.served(request, answer), None)
        return told

    @property
    def terminals(self) -> tuple[str, ...]:
        """As the talk has them."""
        inner = self._inner
        if not isinstance(inner, HasTerminals):
            return ()
        told: tuple[str, ...] = self._tried(lambda: inner.terminals, ())
        return told

    def interrupt(self) -> bytes | None:
        """As the talk does."""
        told: bytes | None = self._tried(self._inner.interrupt, None)
        return told

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """As the talk has it; that it is broken, where it is."""
        ended: Outcome | None = self._tried(
            lambda: self._inner.outcome(how, stopped=stopped, complaint=complaint), None
        )
        return self._trouble or ended or Outcome(Ending.FAILED, f"{self._name} did not say how")

    def _tried(self, method: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return method()
        except BadInput:
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's code
            broken = _broken(self._name, self._package, error)
            self._trouble = Outcome(Ending.FAILED, broken.message, broken.hint or "")
            return otherwise
