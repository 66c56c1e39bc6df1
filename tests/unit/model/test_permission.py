"""What rules say of what an agent states; no trick with a path gets in or past."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.model import plain
from inspan.model.judging import Ground, Request, judge
from inspan.model.permission import Decision, Policy, Rule, rule

pytestmark = pytest.mark.requirement("C9")

PLACE = Ground("/ws", lambda path: os.path.normpath(path))


def policy(*texts: str) -> Policy:
    """``allow Bash`` and the like."""
    made = []
    for text in texts:
        word, _, pattern = text.partition(" ")
        made.append(rule(Decision(word), pattern))
    return Policy(tuple(made))


def told(request: Request, *texts: str, place: Ground = PLACE) -> tuple[str, str]:
    """The decision, and the rule that made it."""
    judged = judge(policy(*texts), request, place)
    return judged.decision.value, str(judged.rule or "")


def line(text: str) -> Request:
    return Request("Bash", line=text)


def argv(*words: str) -> Request:
    return Request("shell", argv=words)


def write(*paths: str) -> Request:
    return Request("Write", paths=paths)


# ── which rule counts ─────────────────────────────────────────────────────────


def test_nothing_is_allowed_that_no_rule_allows() -> None:
    assert told(line("ls")) == ("ask", "")
    assert told(line("ls"), "allow Read", "deny Write") == ("ask", "")


@given(st.permutations(["allow Bash", "ask Bash:git push", "deny Bash:rm -rf /"]))
def test_the_strictest_rule_counts_in_any_order(texts: list[str]) -> None:
    assert told(line("rm -rf /"), *texts) == ("deny", "deny Bash:rm -rf /")
    assert told(line("git push"), *texts) == ("ask", "ask Bash:git push")


def test_a_tool_is_meant_whatever_its_case_and_a_star_means_all() -> None:
    assert told(line("ls"), "allow bash")[0] == "allow"
    assert told(line("ls"), "allow *", "deny BASH")[0] == "deny"


# ── commands ──────────────────────────────────────────────────────────────────


def test_a_line_is_known_only_as_a_whole() -> None:
    assert told(line("make test"), "allow Bash:make test")[0] == "allow"
    for other in ("make test; rm -rf /", "make  test", " make test", "make test\n", "make"):
        assert told(line(other), "allow Bash:make test")[0] == "ask", other
    assert told(line("make test"), "allow Bash:make *", "allow Bash:make **")[0] == "ask"


def test_what_is_forbidden_of_a_line_is_asked_where_it_cannot_be_told() -> None:
    rules = ("allow Bash", "deny Bash:rm **", "allow Bash:make test")
    assert told(line("echo; rm -rf /"), *rules) == ("ask", "deny Bash:rm **")
    assert told(line("make test"), *rules) == ("allow", "allow Bash:make test")
    assert told(line("cat .env"), "allow *", "deny *@.env") == ("ask", "deny *@.env")


def test_words_are_held_against_words() -> None:
    rules = ("allow shell:git log **", "allow shell:git show *", 'allow shell:say "a b"')
    for words in (["git", "log"], ["git", "log", "-p", "x"], ["git", "show", "x"], ["say", "a b"]):
        assert told(argv(*words), *rules)[0] == "allow", words
    for words in (["git"], ["git", "show"], ["git", "show", "x", "y"], ["say", "a", "b"], []):
        assert told(argv(*words), *rules)[0] == "ask", words
    assert told(argv("rm", "-r", "x"), "allow shell", "deny shell:rm **")[0] == "deny"
    assert told(argv("ls"), "allow shell", "deny shell:rm **")[0] == "allow"


@pytest.mark.parametrize("runner", ["bash", "/bin/sh", "env", "sudo", "xargs"])
def test_a_program_that_runs_another_hides_no_forbidden_one(runner: str) -> None:
    assert told(argv(runner, "-c", "rm x"), "allow shell", "deny shell:rm **")[0] == "ask"


# ── paths ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["src", "src/a.py", "./src/a", "/ws/src/a", "/ws//src/./a", "src/x/../a", "/../ws/src"]
)
def test_a_path_covers_what_lies_below_it(path: str) -> None:
    assert told(write(path), "allow Write@src") == ("allow", "allow Write@src")
    assert told(write(path), "allow Write", "deny *@/ws/src/")[0] == "deny"


@pytest.mark.parametrize(
    "path",
    ["src/../a", "srcs/a", "SRC/a", "/src/a", "src/../../ws2/src/a", "~/src", "", "src\0/a", "s"],
)
def test_what_is_outside_is_not_let_in(path: str) -> None:
    assert told(write(path), "allow Write@src")[0] == "ask"


def test_all_files_must_be_inside_and_one_that_is_forbidden_is_enough() -> None:
    assert told(write("src/a", "lib/b"), "allow Write@src")[0] == "ask"
    assert told(write("src/a", "lib/b"), "allow Write@src", "allow Write@lib")[0] == "ask"
    assert told(write("src/a", "lib/b"), "allow Write", "deny Write@lib")[0] == "deny"


def test_stars_stand_for_names_and_for_folders() -> None:
    assert told(write("src/a.py"), "allow Write@src/*.py")[0] == "allow"
    assert told(write("src/b/a.py"), "allow Write@src/*.py")[0] == "ask"
    assert told(write("src/b/c/a.py"), "allow Write@src/**/*.py")[0] == "allow"
    assert told(write("a.py"), "allow Write@**/*.py")[0] == "allow"
    assert told(write("sub/.env"), "allow *", "deny *@**/.env")[0] == "deny"
    for name, verdict in (("axbyc", "allow"), ("ac", "ask"), ("axbc", "allow"), ("abb", "ask")):
        assert told(write(name), "allow Write@a*b*c")[0] == verdict
    assert told(write("aba"), "allow Write@ab*ba")[0] == "ask"
    assert told(write("baab"), "allow Write@ab*")[0] == "ask"
    for everywhere in ("allow Write@/", "allow Write@//"):
        assert told(write("a", "/else/b"), everywhere)[0] == "allow"
    assert told(write("/else/.env"), "allow *", "deny *@/**/.env")[0] == "deny"
    assert told(write("[a].py"), "allow *", "deny *@[a].py")[0] == "deny"


@pytest.mark.parametrize("odd", ["~/.env", "x\0", "n" * 256, "d/" * 3000])
def test_a_path_that_cannot_be_placed_passes_by_no_prohibition(odd: str) -> None:
    assert told(write(odd), "allow *", "deny *@.env") == ("ask", "deny *@.env")


def links(root: Path) -> Ground:
    """A workspace behind a link, with links in it that lead out and in."""
    (root / "real" / "src").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "ws").symlink_to(root / "real")
    (root / "real" / "src" / "out").symlink_to(root / "etc")
    (root / "real" / "out").symlink_to(root / "etc")
    (root / "real" / "in").symlink_to(root / "real" / "src")
    (root / "way").symlink_to(root / "etc")
    return Ground(str(root / "ws"), os.path.realpath)


def test_a_link_that_leads_out_lets_nothing_in(tmp_path: Path) -> None:
    place = links(tmp_path)
    for path in ("src/out/passwd", "src/out", "out/x", "src/out/../x"):
        assert told(write(path), "allow Write@src", place=place)[0] == "ask", path
    assert told(write("out/x"), "allow Write@out", place=place)[0] == "ask"
    assert told(write("src/a"), "allow Write@src", place=place)[0] == "allow"
    real = str(tmp_path / "real" / "src" / "a")
    assert told(write(real), "allow Write@src", place=place)[0] == "ask"  # it is not written so


def test_a_link_gets_nobody_past_a_prohibition(tmp_path: Path) -> None:
    place = links(tmp_path)
    etc, way = tmp_path / "etc", tmp_path / "way"
    for path in ("src/out/x", "out/x", f"{etc}/x", f"{way}/x"):
        assert told(write(path), "allow *", f"deny *@{etc}", place=place)[0] == "deny", path
        assert told(write(path), "allow *", f"deny *@{way}", place=place)[0] == "deny", path
    assert told(write("in/key"), "allow *", "deny *@src/key", place=place)[0] == "deny"
    assert told(write("src/key"), "allow *", "deny *@in/key", place=place)[0] == "deny"


NAMES = st.sampled_from(["src", "..", ".", "", "a", "out", "in", "*", "ws", "real", "x\0y", "~"])


@settings(deadline=None)
@given(path=st.lists(NAMES, max_size=7).map("/".join), absolute=st.booleans())
def test_what_is_allowed_is_really_there(
    tmp_path_factory: pytest.TempPathFactory, path: str, absolute: bool
) -> None:
    root = tmp_path_factory.getbasetemp() / "links"
    place = Ground(str(root / "ws"), _real) if root.exists() else links(root)
    stated = f"{root}/{path}" if absolute else path
    asked = write(stated)
    inside = str(root / "real" / "src")
    if told(asked, "allow Write@src", place=Ground(place.workspace, _real))[0] == "allow":
        found = os.path.realpath(os.path.join(place.workspace, stated))  # noqa: PTH118 - as stated
        assert found == inside or found.startswith(f"{inside}/")
    denied = told(asked, "allow *", "deny *@src", place=Ground(place.workspace, _real))
    if denied[0] == "allow":
        found = os.path.realpath(os.path.join(place.workspace, stated))  # noqa: PTH118 - as stated
        assert found != inside
        assert not found.startswith(f"{inside}/")


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:
        return ""


# ── how they are written ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["Bash", "Bash:make test", "Bash:f (x)", "*@**/.env", "Write@a:b", "Bash:git clone a@b:c"],
)
def test_a_rule_reads_as_it_was_written(text: str) -> None:
    made = rule(Decision.ALLOW, text)
    assert str(made) == f"allow {text}"
    assert plain.load(Rule, plain.dump(made)) == made


@pytest.mark.parametrize(
    "text",
    [
        *("", ":ls", "@x", "Bash:", "Write@ ", "Write@~/x", 'Bash:echo "', "Bash:rm ** x", "a\0"),
        *("Bash(ls)", "Bash(git:*)", "Read(./src/**)", "Read(@x)", "Bash)"),
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        rule(Decision.DENY, text)
