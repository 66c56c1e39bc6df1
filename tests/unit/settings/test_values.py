from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import SettingsInvalid
from inspan.model.budget import Budget, OverBudget
from inspan.model.delegation import DEPTH
from inspan.model.outfit import Outfit
from inspan.model.role import Role
from inspan.model.task import OnLimit
from inspan.model.timeouts import Timeouts
from inspan.settings import EnvRule, Settings, load
from inspan.settings.values import Agents


def _load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load(path)


def test_without_a_file_there_are_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path / "config.yaml")
    assert settings.timeouts == Timeouts()
    assert settings.role("worker").limit == 2
    assert settings.role("of the user's own").limit == 2
    assert settings.retention.older_than == 14 * 86400
    assert settings.retention.bytes == 5 << 30
    assert settings.retention.metrics == 7 * 86400
    assert (settings.logs.size, settings.logs.kept) == (4 << 20, 3)
    assert settings.recording.cap == 64 << 20
    assert settings.detach_key == 0x1C


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert _load(tmp_path, text) == Settings()


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        """\
roles: {worker: 4, tester: 1, default: 3}
memory: {keep: 1G}
retention: {days: 2, bytes: 1G, metrics: 0.5}
logs: {size: 1M, kept: 1}
recording: {cap: 8M}
env: {allow: [MY_VAR, "ACME_*"], withhold: [EDITOR, "LC_*"]}
code: {idle: 7d}
agents:
  {on_limit: wait, waits: 2, first_wait: 2m, longest_wait: 1d}
providers: {claude: {slots: 4}, codex: {}}
keys: {detach: ctrl-q}
""",
    )
    assert settings.role("worker") == Role("worker", 4)
    assert settings.role("tester") == Role("tester", 1)
    assert settings.role("planner") == settings.role("new").__class__("planner", 3)
    assert (settings.memory.keep, settings.memory.start) == (1 << 30, 64 << 20)
    assert settings.retention.older_than == 2 * 86400
    assert settings.retention.metrics == 43200
    assert (settings.logs.size, settings.logs.kept) == (1 << 20, 1)
    assert settings.recording.cap == 8 << 20
    assert settings.providers == {"claude": 4}
    assert settings.code.idle == 7 * 86400
    assert settings.agents == Agents(
        on_limit=OnLimit.WAIT, waits=2, first_wait=120, longest_wait=86400
    )
    assert settings.env.allows("MY_VAR")
    assert settings.env.allows("ACME_REGION")
    assert not settings.env.allows("EDITOR")
    assert not settings.env.allows("LC_ALL")
    assert settings.detach_key == 0x11


@pytest.mark.parametrize(
    "name", ["XDG_API_TOKEN", "RUST_PRIVATE_KEY", "PYTHON_PASSPHRASE", "NODE_AUTH", "LC_COOKIE"]
)
def test_the_beginning_of_a_name_lets_nothing_out_that_ends_like_a_secret(name: str) -> None:
    assert not EnvRule().allows(name)
    assert EnvRule().allows("GIT_AUTHOR_NAME")


def test_agents_have_a_budget_where_one_is_set(tmp_path: Path) -> None:
    assert Settings().agents.budget is None
    agents = _load(tmp_path, "agents: {budget: [$2, 90k], over_budget: stop}").agents
    assert agents.budget == Budget(cost=2, tokens=90_000, over=OverBudget.STOP)
    assert _load(tmp_path, "agents: {budget: none}").agents.budget is None


def test_the_timeouts_are_read_from_their_own_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "timeouts.yaml").write_text("session: {idle: 10m}")
    assert load(tmp_path / "config.yaml").timeouts.idle == 600
    (tmp_path / "timeouts.yaml").write_text("session: {idel: 10m}")
    with pytest.raises(SettingsInvalid, match=r"timeouts\.yaml:1: 'idel'"):
        load(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("rolls:\n  worker: 2\n", 1, "rolls"),
        ("keys: {}\nlimits:\n  deadline: 5m\n", 2, "timeouts.yaml"),
        ("roles:\n  worker: 0\n", 2, "worker"),
        ("roles:\n  worker: yes\n", 2, "worker"),
        ("roles: 3\n", 1, "roles"),
        ("retention:\n  days: often\n", 2, "days"),
        ("retention:\n  bytes: big\n", 2, "size"),
        ("retention:\n  metrics: -1\n", 2, "metrics is not a number of days"),
        ("logs:\n  size: 1K\n", 2, "from 64K to 1G"),
        ("logs:\n  size: none\n", 2, "from 64K to 1G"),
        ("logs:\n  kept: 0\n", 2, "from 1 up"),
        ("logs:\n  kept: 101\n", 2, "above 100"),
        ("logs:\n  old: 1\n", 2, "'old' is not known here"),
        ("recording:\n  cap: 10K\n", 2, "1 MB"),
        ("code:\n  idle: 0\n", 2, "a second"),
        ("code:\n  idel: 7d\n", 2, "idel"),
        ("agents:\n  on_limit: cry\n", 2, "wait, fail"),
        ("agents:\n  waits: 0\n", 2, "waits"),
        ("agents:\n  budget: much\n", 2, "budget"),
        ("agents:\n  over_budget: cry\n", 2, "ask, stop"),
        ("providers: 3\n", 1, "providers"),
        ("providers:\n  claude: 3\n", 2, "claude"),
        ("providers:\n  claude:\n    slots: 0\n", 3, "slots"),
        ("agents:\n  first_wait: none\n", 2, "first_wait"),
        ("env:\n  allow: PATH\n", 2, "list"),
        ("keys:\n  detach: q\n", 2, "control key"),
        ("- a\n- b\n", 1, "mapping"),
        ("roles:\n  worker: 1\n  worker: 2\n", 3, "twice"),
        ("roles: [1\nlimits: {\n", 2, ""),
        ("a: !!python/object:os.system x\n", 1, ""),
        ("a: &a [1]\nb: \x00\n", 0, ""),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        _load(tmp_path, text)
    assert word in refused.value.message
    assert refused.value.code == "settings-invalid"
    if line:
        assert f"config.yaml:{line}" in refused.value.message


def test_a_document_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    with pytest.raises(SettingsInvalid) as refused:
        _load(tmp_path, bomb)
    assert "unfolds" in refused.value.message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsInvalid):
        load(path)


@given(st.text(max_size=60))
def test_any_text_is_settings_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("s") / "config.yaml"
    path.write_bytes(text.encode(errors="replace"))
    try:
        settings = load(path)
    except SettingsInvalid:
        return
    assert settings.role_default > 0


@pytest.mark.parametrize(
    ("name", "goes_along"),
    [
        ("PATH", True),
        ("LC_ALL", True),
        ("GIT_AUTHOR_NAME", True),
        ("AWS_SECRET_ACCESS_KEY", False),
        ("NODE_AUTH_TOKEN", False),
        ("NODE_ENV", True),
        ("GITHUB_TOKEN", False),
        ("PYTHONPATH", True),
        ("UNHEARD_OF", False),
    ],
)
def test_the_allow_list_lets_out_what_a_program_needs_and_no_secret(
    name: str, goes_along: bool
) -> None:
    given_, withheld = EnvRule().split({name: "x"})
    assert (name in given_) is goes_along
    assert (name in withheld) is not goes_along


def test_what_worktrees_get(tmp_path: Path) -> None:
    assert _load(tmp_path, "").workspaces == Outfit(copy=(), ports=10)
    text = "workspaces: {copy: [.env, '**/.env.local'], ports: 0}\n"
    assert _load(tmp_path, text).workspaces == Outfit(copy=(".env", "**/.env.local"), ports=0)


def test_what_sets_workspaces_up(tmp_path: Path) -> None:
    text = "workspaces: {setup: [npm ci, 'test ! -e Makefile || make deps'], setup_timeout: 10m}\n"
    wanted = Outfit(setup=("npm ci", "test ! -e Makefile || make deps"), setup_timeout=600.0)
    assert _load(tmp_path, text).workspaces == wanted
    assert _load(tmp_path, "workspaces: {setup: [a]}").workspaces.setup_timeout == 300
    assert _load(tmp_path, "workspaces: {setup_timeout: none}").workspaces.setup_timeout is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("workspaces: {setup: npm ci}", "not a list"),
        ("workspaces: {setup: [' ']}", "an empty command does nothing"),
        ("workspaces: {setup_timeout: soon}", "soon"),
        ("workspaces: {copy: .env}", "not a list"),
        ("workspaces: {copy: [/etc/passwd]}", "does not lie in a checkout"),
        ("workspaces: {copy: [a/../../b]}", "does not lie in a checkout"),
        ("workspaces: {copy: [':(top)x']}", "does not lie in a checkout"),
        ("workspaces: {ports: 1001}", "not from 0 to 1000"),
        ("workspaces: {ports: yes}", "not from 0 to 1000"),
    ],
)
def test_what_worktrees_cannot_get(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match=wrong):
        _load(tmp_path, text)


def test_children_go_no_deeper_than_they_ever_may(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=f"children go {DEPTH} deep at most") as told:
        _load(tmp_path, f"delegation:\n  width: 2\n  depth: {DEPTH + 1}\n")
    assert "config.yaml:3" in told.value.message
