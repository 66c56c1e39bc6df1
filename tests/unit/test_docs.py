"""The documents say what is so: links lead somewhere, examples run, names exist."""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.cli import py_sessions
from inspan.cli.main import PARTS, VERBS, parser_of
from tests.unit.test_errors import CLASSES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
KNOWN_VERBS = {verb for verbs in VERBS.values() for verb in verbs}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.MULTILINE | re.DOTALL)


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in headings(there)):
            yield target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    assert list(broken_links(path)) == []


EXAMPLES = [
    pytest.param(block, id=f"{name_of(path)}-{number}")
    for path in DOCUMENTS
    for number, block in enumerate(blocks(path, "python"))
]


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment whose state is in ``tmp_path``; what was started there is stopped again."""
    around = {**os.environ, "INSPAN_HOME": str(tmp_path / "home")}
    yield around
    inspan = Path(sys.executable).with_name("inspan")
    subprocess.run([inspan, "down", "--keeper"], env=around, timeout=30, check=True)


@pytest.mark.requirement("A9")
@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(code: str, tmp_path: Path, surroundings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=surroundings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def commands(path: Path) -> Iterator[list[str]]:
    """Each ``$ inspan ...`` of a document's console blocks, as words."""
    for block in blocks(path, "console"):
        for line in re.findall(r"^\$ (inspan .*)$", block, re.MULTILINE):
            yield shlex.split(line, comments=True)


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}


def what_is_wrong(words: list[str]) -> str:
    """Why the command line would not take ``inspan`` with these words; empty where it would."""
    verb = words[1]
    if verb.startswith("-"):
        return ""
    if verb not in KNOWN_VERBS:
        return f"no verb {verb}"
    ours = words[2 : words.index("--")] if "--" in words else words[2:]
    flags = {word.split("=")[0] for word in ours if word.startswith("-") and word != "-"}
    part = ours[0] if ours and ours[0] in PARTS.get(verb, ()) else ""
    parser = parser_of(verb, part)[0]
    if verb == "py" and ours and ours[0] in py_sessions.VERBS:
        parser = py_sessions.parser_of(ours[0])[0]
    unknown = flags - flags_of(parser)
    return f"{verb} has no {', '.join(sorted(unknown))}" if unknown else ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_the_commands_of_a_document_exist(path: Path) -> None:
    assert [wrong for words in commands(path) if (wrong := what_is_wrong(words))] == []


def hinted() -> list[str]:
    """Each command that the hint of an error tells people to type."""
    hints = " ".join(kind.default_hint for kind in CLASSES.values())
    return sorted(set(re.findall(r"`(inspan [^`]+)`", hints)))


@pytest.mark.parametrize("command", hinted())
def test_what_a_hint_tells_to_type_exists(command: str) -> None:
    assert what_is_wrong(shlex.split(command)) == ""


def test_every_flag_that_a_hint_names_exists() -> None:
    hints = " ".join(kind.default_hint for kind in CLASSES.values())
    named = set(re.findall(r"`(--[a-z-]+)`", hints))
    known = set().union(*(flags_of(parser_of(verb)[0]) for verb in KNOWN_VERBS))
    assert named - known == set()


def test_every_place_that_the_glossary_names_is_there() -> None:
    places = re.findall(
        r"`([a-z_]+(?:/[a-z_]*(?:\.py)?|\.py))`", text_of(ROOT / "docs/glossary.md")
    )
    assert len(places) > 20
    assert [place for place in places if not (ROOT / "src/inspan" / place).exists()] == []


def test_every_dependency_has_a_sentence() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = {
        re.split(r"[<>=!~\[; ]", requirement)[0]
        for requirement in (
            *project["dependencies"],
            *(one for more in extras.values() for one in more),
        )
    }
    rows = re.findall(
        r"^\| ([\w, -]+) \| (.+) \|$", text_of(ROOT / "docs/dependencies.md"), re.MULTILINE
    )
    told = {name: why for names, why in rows if names != "package" for name in names.split(", ")}
    assert set(told) == wanted - {"inspan"}  # `dev` takes our own extras
    assert all(why.endswith(".") for why in told.values())


def test_the_architecture_draws_the_layers_that_are_enforced() -> None:
    contract = text_of(ROOT / ".importlinter").split("layers =")[1].split("\n\n")[0]
    layers = [line.split(" | ") for line in contract.split("\n    ")[1:]]
    page = " ".join(text_of(ROOT / "docs/ARCHITECTURE.md").split())
    drawn = " → ".join(f"({' | '.join(rooms)})" if len(rooms) > 1 else rooms[0] for rooms in layers)
    assert f"`{drawn}`" in page
