"""What the rules for a task say of one request of its agent.

Of the rules that match a request the strictest counts: deny, then ask, then allow; the order in
which they are written means nothing. A request that no rule matches is asked. A request is judged
by what the agent states of it and by nothing else: no text for a shell is ever taken apart, so a
command that is stated as one line is known only as that line. What a rule forbids is not let pass
for want of knowledge: where a tool is allowed as a whole, and it cannot be told whether the request
is what another rule denies, a person is asked.

Nothing here touches a file: who asks hands in what finds the real place of a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from inspan.model.permission import ANY, MANY, Decision, Policy, Rule, words_of
from inspan.model.value import value

#: Programs that run what stands behind them: of what they do, their words tell too little.
_RUNNERS: Final = frozenset(
    (
        *("sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "env", "sudo", "doas"),
        *("su", "xargs", "nohup", "nice", "timeout", "time", "exec", "eval", "find", "watch"),
    )
)
#: No file has a longer path, and no part of one a longer name (Linux: PATH_MAX, NAME_MAX).
_PATH_MOST: Final = 4096
_NAME_MOST: Final = 255


@value
class Request:
    """What an agent states of what it wants to do."""

    tool: str
    #: The words of a command, where it states them apart.
    argv: tuple[str, ...] | None = None
    #: The command as one text, where it states that.
    line: str | None = None
    #: All the files that it is about, where it states them.
    paths: tuple[str, ...] = ()


@value
class Judgement:
    """What becomes of a request, by which rule; ``None``: no rule says anything of it."""

    decision: Decision
    rule: Rule | None = None


@value
class Ground:
    """Where paths stand: the workspace, and what gives the real place of an absolute path.

    ``real`` follows links, and gives an empty text where it cannot.
    """

    workspace: str
    real: Callable[[str], str]


def judge(policy: Policy, request: Request, ground: Ground) -> Judgement:
    """What becomes of ``request``, by the strictest rule that matches it."""
    places = tuple(_places(request.paths, ground))
    strict: dict[Decision, Rule] = {}
    whole = narrow = unsure = None
    for item in policy.rules:
        matches = _matches(item, request, places, ground)
        if matches and item.decision is not Decision.ALLOW:
            strict.setdefault(item.decision, item)
        elif matches and item.command is None and item.path is None:
            whole = whole or item
        elif matches:
            narrow = narrow or item
        elif matches is None and item.decision is not Decision.ALLOW:
            unsure = unsure or item
    for decision in (Decision.DENY, Decision.ASK):
        if decision in strict:
            return Judgement(decision, strict[decision])
    if narrow is not None:
        return Judgement(Decision.ALLOW, narrow)
    if whole is not None and unsure is None:
        return Judgement(Decision.ALLOW, whole)
    return Judgement(Decision.ASK, unsure if whole is not None else None)


def _matches(
    item: Rule, request: Request, places: tuple[tuple[str, str], ...], ground: Ground
) -> bool | None:
    """Whether the rule is about the request; ``None`` where that cannot be told."""
    if item.tool != ANY and item.tool.casefold() != request.tool.casefold():
        return False
    both = [
        _commands(item.command, request) if item.command is not None else True,
        _paths(item, places, ground) if item.path is not None else True,
    ]
    if False in both:
        return False
    return None if None in both else True


# ── commands ──────────────────────────────────────────────────────────────────


def _commands(pattern: str, request: Request) -> bool | None:
    if request.argv is not None:
        words, argv = words_of(pattern), request.argv
        if words is not None and _worded(words, argv):
            return True
        runs_another = not argv or argv[0].rpartition("/")[2] in _RUNNERS
        return None if words is None or runs_another else False
    if request.line is not None:
        return True if request.line == pattern else None
    return False if request.paths else None


def _worded(pattern: tuple[str, ...], argv: tuple[str, ...]) -> bool:
    if pattern[-1:] == (MANY,):
        pattern = pattern[:-1]
        argv = argv[: len(pattern)]
    return len(pattern) == len(argv) and all(
        wanted in (ANY, word) for wanted, word in zip(pattern, argv, strict=True)
    )


# ── paths ─────────────────────────────────────────────────────────────────────


def _places(paths: tuple[str, ...], ground: Ground) -> Iterator[tuple[str, str]]:
    """Each path as it reads, and where it really is; empty texts where that cannot be told."""
    for path in paths:
        names = path.split("/")
        long = len(path) > _PATH_MOST or max(map(len, names)) > _NAME_MOST
        if not path or long or "\0" in path or path.startswith("~"):
            yield "", ""
            continue
        whole = path if path.startswith("/") else f"{ground.workspace}/{path}"
        # Not `_plain`: behind a link, `..` is not the folder that the link is in.
        yield _plain(whole), ground.real(whole)


def _paths(item: Rule, places: tuple[tuple[str, str], ...], ground: Ground) -> bool | None:
    """To allow, all must match by both readings; else any by either is enough."""
    pattern = item.path or ""
    if not places:
        return None
    if item.decision is Decision.ALLOW:
        written, real = _anchored(pattern, ground.workspace), _in_real(pattern, ground)
        return all(_below(written, place[0]) and _below(real, place[1]) for place in places)
    written = _anchored(pattern, ground.workspace)
    readings = {written, _in_real(pattern, ground), _really(written, ground)}
    if any(_below(one, path) for one in readings for place in places for path in place):
        return True
    return None if any("" in place for place in places) else False


def _anchored(pattern: str, workspace: str) -> str:
    return _plain(pattern if pattern.startswith("/") else f"{workspace}/{pattern}")


def _in_real(pattern: str, ground: Ground) -> str:
    """The pattern below the real workspace: links within the workspace are not followed."""
    return _anchored(pattern, ground.real(ground.workspace) or ground.workspace)


def _really(pattern: str, ground: Ground) -> str:
    """The pattern with the links followed that lie before its first star."""
    names = pattern.split("/")
    first = next((at for at, name in enumerate(names) if ANY in name), len(names))
    real = ground.real("/".join(names[:first]) or "/")
    return _plain("/".join([real, *names[first:]])) if real else pattern


def _plain(path: str) -> str:
    """An absolute path without ``.``, ``..`` and doubled slashes, by its letters alone."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)


def _below(pattern: str, path: str) -> bool:
    """True where the path matches, or lies below one that does."""
    if not path:
        return False
    return _reaches(pattern.strip("/").split("/"), path.strip("/").split("/"))


def _reaches(pattern: list[str], names: list[str]) -> bool:
    #: How many names the part of the pattern that was read may have taken.
    taken = {0}
    for wanted in pattern:
        if wanted == MANY:
            taken = set(range(min(taken), len(names) + 1))
        elif wanted:
            taken = {at + 1 for at in taken if at < len(names) and _fits(wanted, names[at])}
        if not taken:
            return False
    return True


def _fits(pattern: str, name: str) -> bool:
    """True where the name has the pieces between the stars, in their order."""
    first, *pieces = pattern.split(ANY)
    if not pieces:
        return name == first
    if not name.startswith(first):
        return False
    at = len(first)
    for piece in pieces[:-1]:
        found = name.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(name) - at >= len(pieces[-1]) and name.endswith(pieces[-1])
