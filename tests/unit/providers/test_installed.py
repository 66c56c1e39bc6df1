"""Agents that packages name by entry points: what is found, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.agents.dialect import Turn
from inspan.agents.served import FileText
from inspan.agents.signs import Said, TurnEnded
from inspan.errors import BadInput, ProviderBroken
from inspan.model.agent import Ending, Mode
from inspan.model.task import Exit
from inspan.providers.dialogue import Dialogue
from inspan.providers.installed import find, offers
from inspan.providers.redaction import Redaction
from inspan.settings import Settings, pursuing

pytestmark = pytest.mark.requirement("C5", "C7")

EXAMPLE = Path(__file__).parents[3] / "examples" / "agent-package" / "src"
MORE = """\
from inspan.agents.acp import AcpTalk, Speaker
from inspan.errors import BadInput
from inspan_parrot import Parrot, ParrotTalk

class Hoarse(ParrotTalk):
    def heard(self, line):
        if line == b"croak":
            raise ValueError("croak")
        return super().heard(line)
    def answer(self, request, text):
        raise BadInput("it asks nothing")

class Filing(Parrot):
    name = "filing"
    def talk(self, turn):
        return AcpTalk(turn, Speaker(login_hint="", silent=None))

def moody():
    class Moody(Parrot):
        name = "moody"
        def check(self, turn):
            if not turn.prompt:
                raise BadInput("it is asked nothing")
        def talk(self, turn):
            return Hoarse(turn)
        def argv(self, turn):
            return 1 / 0
    return Moody()

class Sore(Parrot):
    name = "sore"
    @property
    def secrets(self):
        raise OSError("no throat")
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "inspan_more-2.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: inspan-more\nVersion: 2.1\n")
    (about / "entry_points.txt").write_text(
        "[inspan.agents]\nzz-parrot = inspan_parrot:Parrot\nparrot = inspan_parrot:Parrot\n"
        "moody = more_parrots:moody\nfiling = more_parrots:Filing\n"
        "sore = more_parrots:Sore\ngone = nowhere_at_all:Agent\n"
    )
    (tmp_path / "more_parrots.py").write_text(MORE)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path))


def test_what_is_named_is_told_without_being_loaded() -> None:
    ours = [offer.name for offer in offers() if offer.package == "inspan-more 2.1"]
    assert ours == ["filing", "gone", "moody", "parrot", "sore", "zz-parrot"]
    assert find("nobody-has-this-name") is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gone", "ModuleNotFoundError"),
        ("zz-parrot", "calls itself 'parrot'"),
        ("sore", "OSError: no throat"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_package(name: str, why: str) -> None:
    with pytest.raises(ProviderBroken, match=why) as refused:
        find(name)
    assert "inspan-more 2.1" in refused.value.message


def test_one_that_cannot_be_used_keeps_no_other_from_working_for_a_goal(tmp_path: Path) -> None:
    parrot = find("parrot")
    assert parrot is not None
    program = tmp_path / parrot.program
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    found = [*pursuing.here(Settings(), str(tmp_path))]
    assert "parrot" in found
    assert not {"gone", "zz-parrot"} & {*found}


def test_what_breaks_later_is_told_with_its_package_too() -> None:
    moody, turn = find("moody"), Turn(prompt="hello", mode=Mode.STREAM)
    assert moody is not None
    moody.check(turn)
    with pytest.raises(BadInput, match="asked nothing"):
        moody.check(Turn(prompt="", mode=Mode.STREAM))
    with pytest.raises(ProviderBroken, match=r"inspan-more 2\.1 .*ZeroDivisionError"):
        moody.argv(turn)
    talk = moody.talk(turn)
    assert talk.begin() == b'{"ask":"hello"}\n'
    assert list(talk.heard(b'{"say":"hi"}')) == [Said("hi")]
    with pytest.raises(BadInput):
        talk.answer("r", "allow")
    over = [talk.over]
    (ended,) = talk.heard(b"croak")
    assert isinstance(ended, TurnEnded)
    assert ended.outcome.ending is Ending.FAILED
    over.append(talk.over)
    assert over == [False, True]
    assert list(talk.heard(b'{"done":true}')) == []
    outcome = talk.outcome(Exit(code=0), stopped=False, complaint="")
    assert "croak" in outcome.message
    assert "inspan-more 2.1" in outcome.message


def test_files_are_served_to_an_agent_of_a_package_too() -> None:
    dialect = find("filing")
    assert dialect is not None
    dialogue = Dialogue(dialect.talk(Turn(prompt="x", mode=Mode.ACP, cwd="/w")), Redaction(()))
    asked = b'{"jsonrpc":"2.0","id":0,"method":"fs/read_text_file","params":{"path":"a"}}\n'
    list(dialogue.heard(asked))
    assert dialogue.open["0"].paths == ("/w/a",)
    assert dialogue.served("0", FileText("here")) is not None
    assert dialogue.served("1", FileText("here")) is None
    parrot = find("parrot")
    assert parrot is not None
    other = Dialogue(parrot.talk(Turn(prompt="x", mode=Mode.STREAM)), Redaction(()))
    assert other.served("0", FileText("here")) is None
