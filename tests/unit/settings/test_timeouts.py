"""timeouts.yaml: the user's figures, mistakes with their lines, and a file that changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.errors import SettingsInvalid
from inspan.model.patience import Backoff
from inspan.model.timeouts import LoginRules, Timeouts
from inspan.settings import TimeoutsFile
from inspan.settings.timeouts import load

pytestmark = pytest.mark.requirement("C3")


def _load(tmp_path: Path, text: str) -> Timeouts:
    path = tmp_path / "timeouts.yaml"
    path.write_text(text)
    return load(path)


def test_the_figures_that_were_asked_for_are_the_defaults(tmp_path: Path) -> None:
    timeouts = load(tmp_path / "timeouts.yaml")
    assert (timeouts.command, timeouts.command_longest) == (300, 1800)
    assert (timeouts.idle, timeouts.lifetime, timeouts.warning) == (300, 3600, 30)
    login = timeouts.login
    assert (login.timeout, login.attempts) == (30, 3)
    assert [login.backoff.delay(tries, 0) for tries in range(1, 7)] == [1, 2, 4, 8, 16, 30]
    assert login.backoff.delay(1, 0.99) > 1  # jitter only adds


def test_the_page_about_it_shows_the_defaults(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "timeouts.md"
    shown = page.read_text().partition("```yaml\n")[2].partition("```")[0]
    assert _load(tmp_path, shown) == Timeouts()


def test_an_agent_has_the_limits_of_a_session_and_a_program_those_of_a_command() -> None:
    agent, program = (Timeouts().patience(agent=agent) for agent in (True, False))
    assert (agent.deadline, agent.idle) == (3600, 300)
    assert (program.deadline, program.idle) == (300, None)
    assert Timeouts().longest(agent=True) == 3600
    assert Timeouts(lifetime=None).longest(agent=True) is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "session: {}\n"])
def test_what_is_not_named_stays_as_it_is(tmp_path: Path, text: str) -> None:
    assert _load(tmp_path, text) == Timeouts()


def test_everything_can_be_set(tmp_path: Path) -> None:
    timeouts = _load(
        tmp_path,
        """\
command: {timeout: 10m, longest: 2h, idle: 60}
session: {lifetime: none, idle: 10m, warning: 5, stretch: 1.5}
stop: {grace: 1.5}
authentication:
  {attempts: 2, timeout: 5s, first_delay: 2s, longest_delay: 8s, believed: 0, failures: 4, rest: 2m}
""",
    )
    login = LoginRules(
        attempts=2,
        timeout=5,
        backoff=Backoff(first=2, most=8),
        believed=0,
        failures=4,
        rest=120,
    )
    assert timeouts == Timeouts(
        command=600,
        command_longest=7200,
        command_idle=60,
        lifetime=None,
        idle=600,
        warning=5,
        stretch=1.5,
        grace=1.5,
        login=login,
    )


@pytest.mark.parametrize("limit", ["none", "null", "~"])
def test_a_limit_can_be_lifted(tmp_path: Path, limit: str) -> None:
    assert _load(tmp_path, f"command: {{timeout: {limit}}}").command is None


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("sessions: {}\n", 1, "sessions"),
        ("session:\n  idle: 5m\n  idel: 5m\n", 3, "idel"),
        ("session:\n  idle: soon\n", 2, "duration"),
        ("session:\n  idle: 0\n", 2, "no time"),
        ("session:\n  warning: none\n", 2, "none"),
        ("session:\n  stretch: 0.5\n", 2, "from 1 to 100"),
        ("session:\n  stretch: yes\n", 2, "from 1 to 100"),
        ("session: 5m\n", 1, "mapping"),
        ("stop:\n  grace: none\n", 2, "grace"),
        ("command:\n\n  timeout: 1h\n", 3, "command.longest"),
        ("command:\n  longest: 1m\n", 2, "command.longest"),
        ("authentication:\n  attempts: 7\n", 2, "above 6"),
        ("authentication:\n  attempts: 0\n", 2, "attempts"),
        ("authentication:\n  first_delay: 2m\n  longest_delay: 1m\n", 2, "longest_delay"),
        ("authentication:\n  timeout: none\n", 2, "none"),
        ("session: {idle: 5m}\nsession: {}\n", 2, "twice"),
        ("session: [\n", 2, ""),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        _load(tmp_path, text)
    assert word in refused.value.message
    assert f"timeouts.yaml:{line}" in refused.value.message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "timeouts.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsInvalid):
        TimeoutsFile(path)


def test_it_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "timeouts.yaml"
    file = TimeoutsFile(path)
    assert file.now().idle == 300
    path.write_text("session: {idle: 1m}")
    assert file.now().idle == 60
    path.unlink()
    assert file.now() == Timeouts()


def test_one_that_is_broken_changes_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "timeouts.yaml"
    path.write_text("session: {idle: 1m}")
    file = TimeoutsFile(path)
    assert file.warning == ""
    path.write_text("session: {idel: 10m}")
    assert file.now().idle == 60
    assert "timeouts.yaml:1" in file.warning
    assert "still count" in file.warning
    path.write_text("session: {idle: 20m}")
    assert (file.now().idle, file.warning) == (1200, "")
