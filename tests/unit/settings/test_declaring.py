"""Agents that are declared in the settings: what is read, and what is refused with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspan.agents.declaration import Declaration
from inspan.errors import SettingsInvalid
from inspan.model.agent import Mode
from inspan.settings import Settings, load
from inspan.settings.catalogue import Catalogue
from inspan.settings.passing import dialect_of, rule_of

pytestmark = pytest.mark.requirement("A2", "C5")


def _load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(path)


def test_three_lines_declare_an_agent_of_the_protocol(tmp_path: Path) -> None:
    settings = _load(tmp_path, "providers:\n  goose:\n    argv: [goose, acp]\n    mode: acp\n")
    assert settings.declared["goose"] == Declaration(
        name="goose",
        argv=("goose", "acp"),
        mode=Mode.ACP,
        version=("goose", "--version"),
        source=f"{tmp_path / 'config.yaml'}:2",
    )
    dialect = dialect_of("goose", settings)
    assert dialect is not None
    assert (dialect.name, dialect.program, dialect.modes) == ("goose", "goose", (Mode.ACP,))


def test_everything_can_be_said_of_one(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        """\
providers:
  mine:
    argv: [/opt/mine/bin/mine, run, --quiet]
    mode: stream
    prompt: stdin
    env: [MINE_HOME, "MINE_*", MINE_API_KEY]
    secrets: [MINE_ACCOUNT]
    rules: mine.toml
    version: [/opt/mine/bin/mine, version]
    install: pip install mine
    slots: 3
  claude: {slots: 4}
""",
    )
    assert settings.providers == {"mine": 3, "claude": 4}
    mine = settings.declared["mine"]
    assert (mine.mode, mine.version, mine.install) == (
        Mode.STREAM,
        ("/opt/mine/bin/mine", "version"),
        "pip install mine",
    )
    assert mine.rules == str(tmp_path / "mine.toml")
    # What is called like a secret is passed by reference, and stored nowhere.
    assert (mine.env, mine.secrets) == (("MINE_HOME", "MINE_*"), ("MINE_ACCOUNT", "MINE_API_KEY"))
    rule = rule_of(dialect_of("mine", settings), settings.env)
    assert rule.allows("MINE_MODEL")
    assert not rule.allows("MINE_API_KEY")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("argv: [x]\n    mode: acp\n    shell: true", 5, "'shell' is not known here"),
        ("mode: acp", 2, "there is no command line"),
        ("argv: []\n    mode: acp", 3, "there is no command line"),
        ("argv: x\n    mode: acp", 3, "argv is not a list of words"),
        ("argv: [x, 1]\n    mode: acp", 3, "argv is not a list of words"),
        ("argv: [./x]\n    mode: acp", 3, "looked for in the folder of each task"),
        ("argv: [bin/x]\n    mode: acp", 3, "looked for in the folder of each task"),
        ("argv: [x]", 2, "there is no mode"),
        ("argv: [x]\n    mode: telepathy", 4, "mode is none of: acp, stream, pty"),
        ("argv: [x, '{prompt}']\n    mode: acp", 3, "the mode acp has no place"),
        ("argv: [sh, -c, 'x {prompt}']\n    mode: stream", 3, "one whole argument"),
        ("argv: [x, '{prompt}', '{prompt}']\n    mode: stream", 3, "one whole argument"),
        ("argv: ['{prompt}']\n    mode: stream", 3, "one whole argument"),
        ("argv: [x]\n    mode: stream\n    prompt: argv", 5, "prompt is not stdin"),
        ("argv: [x]\n    mode: pty\n    prompt: stdin", 5, "has no standard input"),
        ("argv: [x, '{prompt}']\n    mode: stream\n    prompt: stdin", 5, "argv has {prompt}"),
        ("argv: [x]\n    mode: acp\n    env: [A B]", 5, "'A B' is no name of a variable"),
        ("argv: [x]\n    mode: acp\n    secrets: ['A_*']", 5, "is no name of a variable"),
        ("argv: [x]\n    mode: acp\n    rules: 3", 5, "rules is not a text"),
        ("argv: [x]\n    mode: acp\n    version: x", 5, "version is not a list of words"),
        ("argv: [x]\n    mode: acp\n    install: [x]", 5, "install is not a text"),
        ('argv: ["a\\0b"]\n    mode: acp', 3, "NUL"),
        ("argv: [x]\n    mode: acp\n    slots: 0", 5, "slots is not a number from 1 up"),
        ("argv: [x]\n    mode: acp\n    argv: [y]", 5, "'argv' is there twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        _load(tmp_path, f"providers:\n  mine:\n    {text}\n")
    assert f"config.yaml:{line}: " in refused.value.message
    assert what in refused.value.message


@pytest.mark.parametrize("name", ["claude", "shell", "scripted", "Mine", "-x", "a/b", "a b"])
def test_a_name_that_is_taken_or_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"config\.yaml:2: "):
        _load(tmp_path, f"providers:\n  {name!r}: {{argv: [x], mode: acp}}\n")


def test_what_is_declared_later_is_found_without_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    catalogue = Catalogue(path)
    assert catalogue.find("goose") is None
    path.write_text("providers: {goose: {argv: [goose], mode: acp}}\n")
    first = catalogue.find("goose")
    assert first is not None
    assert catalogue.find("goose") is first
    assert tuple(catalogue.names()) == ("goose",)
    path.write_text("providers: {goose: {argv: [gander], mode: acp}}\n")
    second = catalogue.find("goose")
    assert second is not None
    assert second.program == "gander"
    path.write_text("providers: {goose: {argv: [gander]}}\n")
    with pytest.raises(SettingsInvalid, match="there is no mode"):
        catalogue.find("goose")
    path.unlink()
    assert catalogue.find("goose") is None


def test_what_the_documentation_shows_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "providers.md"
    shown = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(shown) == 2
    for text in shown:
        assert _load(tmp_path, text).declared
