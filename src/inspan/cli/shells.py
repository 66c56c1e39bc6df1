"""Completion scripts, made from the parsers themselves, so that they cannot be out of date.

The scripts hold words; completing runs nothing of inspan's but, for an ID, `inspan completion
ids`, and `inspan completion sessions` for a code session, which start nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from inspan.cli.main import PARTS, VERBS, parser_of
from inspan.cli.py import SESSION_VERBS


@dataclass(frozen=True, slots=True)
class _Flag:
    names: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    takes_value: bool


@dataclass(frozen=True, slots=True)
class _Verb:
    name: str
    summary: str
    flags: tuple[_Flag, ...]
    words: tuple[str, ...]
    files: bool
    #: Its arguments are tasks.
    tasks: bool


#: Verbs whose arguments may be files, or whose command is completed like any other.
_FILES: Final = frozenset({"run", "add", "import", "export", "db", "py"})
#: What the value of a flag is completed with: folders, or any paths.
_FLAGS_WITH_FOLDERS: Final = ("--cwd", "--home", "--prefix")
_FLAGS_WITH_FILES: Final = ("--python", "--read", "--write", "--ca", "--token-file", "--file")
#: What prints tasks, and the names of daemons elsewhere.
_IDS: Final = "inspan completion ids 2>/dev/null"
_CONTEXTS: Final = "inspan completion contexts 2>/dev/null"
#: The verb whose first argument may be a verb about a code session, which is its second.
_PY: Final = "py"
_PY_VERBS: Final = " ".join(SESSION_VERBS)


def script(shell: str) -> str:
    """The script for ``shell``."""
    verbs = tuple(_verbs())
    made: dict[str, Callable[[tuple[_Verb, ...]], str]] = {
        "bash": _bash,
        "zsh": _zsh,
        "fish": _fish,
    }
    return made[shell](verbs)


def _verbs() -> Iterator[_Verb]:
    for group in VERBS.values():
        for name, summary in group.items():
            parser, _ = parser_of(name)
            actions = parser._actions  # noqa: SLF001 - argparse has no public way to list them
            flags = tuple(_flag(action) for action in actions if action.option_strings)
            words = tuple(
                str(choice)
                for action in actions
                if not action.option_strings
                for choice in action.choices or ()
            )
            tasks = any(action.dest == "task" for action in actions)
            words += PARTS.get(name, ())
            yield _Verb(name, summary, flags, words, name in _FILES, tasks)


def _flag(action: argparse.Action) -> _Flag:
    return _Flag(
        tuple(action.option_strings),
        (action.help or "").replace("%%", "%"),
        tuple(str(choice) for choice in action.choices or ()),
        action.nargs != 0,
    )


def _bash(verbs: tuple[_Verb, ...]) -> str:
    names = " ".join(verb.name for verb in verbs)
    cases = "\n".join(
        f"    {verb.name}) words={_quoted(' '.join(_flags(verb)))} ;;" for verb in verbs
    )
    values = "\n".join(
        f"    {verb.name}:{name}) COMPREPLY=($(compgen -W {_quoted(' '.join(flag.choices))}"
        ' -- "$cur")); return ;;'
        for verb in verbs
        for flag in verb.flags
        for name in flag.names
        if flag.choices
    )
    places = "\n".join(f"    {verb.name}) {_bash_words(verb)} ;;" for verb in verbs if verb.words)
    tasks = "|".join(verb.name for verb in verbs if verb.tasks)
    files = "|".join(verb.name for verb in verbs if verb.files and not verb.tasks)
    return f"""\
# bash completion for inspan
_inspan() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} verb= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      --) COMPREPLY=($(compgen -f -- "$cur")); return ;;
      --home) ((i++)) ;;
      -*) ;;
      *) [[ -n $verb ]] || verb=${{COMP_WORDS[i]}} ;;
    esac
  done
  if [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W {_quoted(names + " --help --version --home")} -- "$cur"))
    return
  fi
  case $verb:$prev in
{values}
    {_bash_flags(_FLAGS_WITH_FOLDERS)}) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    {_bash_flags(_FLAGS_WITH_FILES)}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    *:--context) COMPREPLY=($(compgen -W "$({_CONTEXTS})" -- "$cur")); return ;;
    *:--after) COMPREPLY=($(compgen -W "$(inspan completion ids 2>/dev/null)" -- "$cur")); return ;;
  esac
  case $verb in
{cases}
  esac
{_bash_py()}
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case $verb in
{places}
    {tasks}) words="$(inspan completion ids 2>/dev/null)" ;;
    {files}) return ;;
    *) words= ;;
  esac
  compopt +o default 2>/dev/null
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _inspan inspan"""


def _bash_words(verb: _Verb) -> str:
    words = f"words={_quoted(' '.join(verb.words))}"
    if not verb.tasks:
        return words
    ids = f'words="$({_IDS})"'
    return f"if [[ $prev == {verb.name} ]]; then {words}; else {ids}; fi"


def _bash_flags(names: tuple[str, ...]) -> str:
    return "|".join(f"*:{name}" for name in names)


def _bash_py() -> str:
    return f"""\
  if [[ $verb:$prev == py:--session || ($verb == py && " {_PY_VERBS} " == *" $prev "*) ]]; then
    COMPREPLY=($(compgen -W "$(inspan completion sessions 2>/dev/null)" -- "$cur"))
    return
  fi
  if [[ $verb:$prev == py:py ]]; then
    COMPREPLY=($(compgen -W {_quoted(_PY_VERBS)} -- "$cur") $(compgen -f -- "$cur"))
    [[ $cur == -* ]] || return
  fi"""


def _flags(verb: _Verb) -> list[str]:
    return [name for flag in verb.flags for name in flag.names]


def _zsh_files(flag: str) -> str:
    if flag in _FLAGS_WITH_FOLDERS:
        return "_files -/"
    if flag == "--context":
        return "_inspan_contexts"
    return "_files" if flag in _FLAGS_WITH_FILES else " "


def _zsh(verbs: tuple[_Verb, ...]) -> str:
    listed = "\n".join(f"    {_quoted(f'{verb.name}:{verb.summary}')}" for verb in verbs)
    cases = "\n".join(_zsh_verb(verb) for verb in verbs)
    return f"""\
#compdef inspan
_inspan_sessions() {{ compadd -- ${{(f)"$(inspan completion sessions 2>/dev/null)"}} }}
_inspan_contexts() {{ compadd -- ${{(f)"$(inspan completion contexts 2>/dev/null)"}} }}
_inspan_py() {{
  if [[ " {_PY_VERBS} " == *" $words[CURRENT-1] "* ]]; then
    _inspan_sessions
  else
    (( CURRENT == 1 )) && compadd {_PY_VERBS}
    _files
  fi
}}
_inspan_ids() {{ compadd -- ${{(f)"$(inspan completion ids 2>/dev/null)"}} }}
_inspan() {{
  local -a verbs
  verbs=(
{listed}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
{cases}
  esac
}}
compdef _inspan inspan"""


def _zsh_verb(verb: _Verb) -> str:
    specs = []
    for flag in verb.flags:
        for name in flag.names:
            value = ""
            if name == "--session":
                value = ":value:_inspan_sessions"
            elif flag.takes_value:
                files = _zsh_files(name)
                value = f":value:({' '.join(flag.choices)})" if flag.choices else f":value:{files}"
            specs.append(_quoted(f"*{name}[{_bare(flag.help)}]{value}"))
    if verb.words:
        specs.append(_quoted(f"1:what:({' '.join(verb.words)})"))
    rest = (
        "_inspan_py"
        if verb.name == _PY
        else "_files"
        if verb.files
        else "_inspan_ids"
        if verb.tasks
        else " "
    )
    specs.append(_quoted(f"*::argument:{rest}"))
    return f"    {verb.name}) _arguments {' '.join(specs)} ;;"


def _bare(text: str) -> str:
    """Help without what `_arguments` reads as its own."""
    return text.replace("[", "(").replace("]", ")").replace(":", r"\:")


def _fish(verbs: tuple[_Verb, ...]) -> str:
    lines = ["# fish completion for inspan", "complete -c inspan -f"]
    for verb in verbs:
        lines.append(
            f"complete -c inspan -n __fish_use_subcommand -a {verb.name} -d {_quoted(verb.summary)}"
        )
        here = f"complete -c inspan -n '__fish_seen_subcommand_from {verb.name}'"
        if verb.files:
            lines.append(f"{here} -F")
        words, ids = _quoted(" ".join(verb.words)), f"'({_IDS})'"
        if verb.words and verb.tasks:
            seen = f"__fish_seen_subcommand_from {verb.name}; and"
            inner = f"__fish_seen_subcommand_from {' '.join(verb.words)}"
            lines.append(f"complete -c inspan -n '{seen} not {inner}' -a {words}")
            lines.append(f"complete -c inspan -n '{seen} {inner}' -a {ids}")
        elif verb.words:
            lines.append(f"{here} -a {words}")
        elif verb.tasks:
            lines.append(f"{here} -a {ids}")
        if verb.name == _PY:
            after = "complete -c inspan -n '__fish_seen_subcommand_from py; and"
            about = f"__fish_seen_subcommand_from {_PY_VERBS}"
            lines.append(f"{after} not {about}' -a {_quoted(_PY_VERBS)}")
            lines.append(f"{after} {about}' -a '(inspan completion sessions 2>/dev/null)'")
        lines += [f"{here}{_fish_flag(flag)}" for flag in verb.flags]
    return "\n".join(lines)


def _fish_flag(flag: _Flag) -> str:
    said = ""
    for name in flag.names:
        said += f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
    if flag.takes_value:
        said += " -r"
    if {*flag.names} & {*_FLAGS_WITH_FOLDERS, *_FLAGS_WITH_FILES}:
        said += " -F"
    if "--session" in flag.names:
        said += " -a '(inspan completion sessions 2>/dev/null)'"
    if "--context" in flag.names:
        said += " -a '(inspan completion contexts 2>/dev/null)'"
    if flag.choices:
        said += f" -a {_quoted(' '.join(flag.choices))}"
    return f"{said} -d {_quoted(flag.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
