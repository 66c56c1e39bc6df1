import pytest

from inspan.cli.py_which import among, called
from inspan.errors import AmbiguousId, SessionNotFound
from inspan.model.code import CodeSession, CodeSpec
from inspan.model.session import CodeState

pytestmark = pytest.mark.requirement("D1")


def session(ulid: str, name: str | None = None) -> CodeSession:
    spec = CodeSpec(cwd="/", name=name)
    return CodeSession(id=f"py-{ulid}", spec=spec, state=CodeState.READY, created_at=0)


OLD = session("01kapz00000000000000abcdef", "old")
NEW = session("01kapz99990000000000ghjkmn")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("last", NEW),
        ("abcdef", OLD),
        ("jkmn", NEW),
        ("01kapz9", NEW),
        ("py-01kapz00000000000000abcdef", OLD),
    ],
)
def test_an_end_or_a_beginning_of_an_id_will_do(word: str, meant: CodeSession) -> None:
    assert among([OLD, NEW], word) is meant


@pytest.mark.parametrize("word", ["def", "nobody", "abcdeg", ""])
def test_what_fits_none_is_refused(word: str) -> None:
    with pytest.raises(SessionNotFound, match="there is no session "):
        among([OLD, NEW], word)


def test_what_fits_two_is_refused_with_both() -> None:
    with pytest.raises(AmbiguousId, match="'01kapz' fits 2 sessions: old, ghjkmn"):
        among([OLD, NEW], "01kapz")


def test_the_newest_of_none_is_refused() -> None:
    with pytest.raises(SessionNotFound, match="there is no session yet"):
        among([], "last")


def test_a_session_is_called_by_its_name_or_its_short_id() -> None:
    assert (called(OLD), called(NEW)) == ("old", "ghjkmn")
