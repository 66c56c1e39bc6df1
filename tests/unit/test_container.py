"""The recipe of the image: each command in it is one, each file there; nothing is built."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from inspan.cli.main import parser_of
from tests.unit.test_docs import what_is_wrong

pytestmark = pytest.mark.requirement("C9")

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "container.md").read_text()


def instructions() -> list[tuple[str, str]]:
    """Each instruction with what follows it, on one line."""
    text = (ROOT / "packaging/container/Containerfile").read_text()
    whole = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.partition(" ") for line in whole.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in lines]


def given(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def taken(words: list[str]) -> None:
    assert words[0] == "inspan"
    assert what_is_wrong(words) == ""
    parser_of(words[1])[0].parse_args(words[2:])


def test_what_it_starts_and_asks_are_commands_of_inspan() -> None:
    (entry,), (command,) = given("ENTRYPOINT"), given("CMD")
    init, dashes, *inspan = json.loads(entry)
    assert (init, dashes) == ("tini", "--")
    taken([*inspan, *json.loads(command)])
    (health,) = given("HEALTHCHECK")
    taken(json.loads(health.partition("CMD ")[2]))


@pytest.mark.parametrize(
    "line", re.findall(r"^docker (?:run|exec) .+$", DOCUMENT, re.MULTILINE), ids=str
)
def test_what_the_page_has_run_in_it_are_commands_of_inspan(line: str) -> None:
    words = shlex.split(line)
    if words[1] == "exec":
        taken(words[3:])
    else:
        inside = words[len(words) - words[::-1].index("inspan") :]
        taken(["inspan", *(inside or ["up", "--foreground"])])


def test_its_base_is_pinned_and_its_user_is_nobody_special() -> None:
    (base,) = given("ARG")
    assert re.fullmatch(r"BASE=docker\.io/library/python:\d+\.\d+\.\d+-slim-\w+", base)
    assert {rest.split()[0] for rest in given("FROM")} == {"${BASE}"}
    order = [name for name, _ in instructions()]
    assert given("USER") == ["10001:10001"]
    assert "RUN" not in order[order.index("USER") :]
    assert json.loads(given("VOLUME")[0]) == [given("ENV")[0].removeprefix("INSPAN_HOME=")]


def test_what_it_copies_and_installs_is_there() -> None:
    for rest in given("COPY"):
        if not rest.startswith("--from="):
            assert all((ROOT / name).exists() for name in rest.split()[:-1]), rest
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {
        extra
        for rest in given("RUN")
        for group in re.findall(r"\[([\w,]+)\]", rest)
        for extra in group.split(",")
    }
    assert asked
    assert asked <= project["optional-dependencies"].keys()
    copied = " ".join(given("COPY")).split()
    assert {project["readme"], *project["license-files"]} <= {*copied}


def test_the_wheel_has_what_is_no_python(tmp_path: Path) -> None:
    """Of a folder with only what the recipe copies."""
    for rest in given("COPY"):
        for name in [] if rest.startswith("--from=") else rest.split()[:-1]:
            (tmp_path / name).symlink_to(ROOT / name)
    (wheel,) = WheelBuilder(str(tmp_path)).build(directory=str(tmp_path / "dist"))
    with zipfile.ZipFile(wheel) as archive:
        names = {*archive.namelist()}
    shipped = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "inspan").rglob("*")
        if path.suffix in {".yml", ".sql", ".toml", ".html", ".js", ".css"}
    }
    assert "inspan/monitor/alerts.yml" in shipped
    assert shipped <= names
