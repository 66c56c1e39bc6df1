"""The labelled recordings as files, and how they are kept: no rule is asked about one here."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.keeper.recording import INDEX, INPUT, RAW
from inspan.model.activity import Doing
from inspan.terminal.playback import Playback
from tests.agents.endpoint.scenario import Execute, Finish, Hang, Say, Slowly
from tests.agents.faces.blind import MINI
from tests.agents.faces.corpus import CORPUS
from tests.agents.faces.faces import INTERPRETER, TOLD
from tests.agents.faces.hidden import EDITH
from tests.agents.faces.private import cleaned, stand_in
from tests.agents.faces.record import GOLDEN
from tests.agents.faces.sealed import HERMES
from tests.agents.faces.stories import Beat
from tests.agents.faces.tell import HANGS, met
from tests.agents.faces.unseen import COPILOT, OPENHANDS
from tools.bench_state import HELD_OUT

EVERY = sorted(path.parent for root in (CORPUS, GOLDEN) for path in root.glob("*/*/labels.json"))
KNOWN = {Doing.WORKING, Doing.WAITING, Doing.IDLE}
#: A checkout grows by each of them.
LARGEST = 4 * 1024 * 1024
_PRIVATE = re.compile(rb"(?<![\w.])/(?:tmp/f-|root/|work/)|(?<!\w)f-\w{8}/")


@pytest.mark.parametrize("folder", EVERY, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_recording_is_whole_small_and_tells_nothing_of_the_machine(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_text("utf-8"))
    assert (labels["agent"], labels["version"]) == (
        folder.parent.name,
        TOLD[folder.parent.name].agent.version,
    )
    ends = [end for _, end, _ in labels["labels"]]
    begins = [begin for begin, _, _ in labels["labels"]]
    assert begins
    assert all(begin < end for begin, end in zip(begins, ends, strict=True))
    assert all(end <= begin for end, begin in zip(ends[:-1], begins[1:], strict=True))
    assert {Doing(word.partition("/")[0]) for _, _, word in labels["labels"]} <= KNOWN
    for name in (RAW, INPUT, INDEX):
        if (folder / name).exists():
            data = (folder / name).read_bytes()
            assert len(data) <= LARGEST
            assert not _PRIVATE.search(data)
    assert Playback(folder).size


@pytest.mark.skipif(not HELD_OUT, reason="no agent is held out at present")
def test_each_agent_that_is_held_out_is_recorded_and_its_driver_knows_nothing_it_shows() -> None:
    assert {folder.parent.name for folder in EVERY} >= HELD_OUT
    for name in HELD_OUT:
        assert not TOLD[name].ready
        assert not TOLD[name].situations


def test_seven_agents_at_least_are_recorded_in_all_six_situations() -> None:
    lived: dict[str, set[str]] = {}
    for folder in EVERY:
        seen = lived.setdefault(folder.parent.name, set())
        for _, _, word in json.loads((folder / "labels.json").read_text("utf-8"))["labels"]:
            doing, _, situation = word.partition("/")
            seen |= {doing, situation or folder.name}
        typed = folder / INPUT
        if typed.exists() and b"shall we rename it?" in typed.read_bytes():  # it asks in words
            seen.add("question")
    wanted = {"working", "permission", "question", "idle", "error", "login"}
    assert len([name for name, seen in lived.items() if seen >= wanted]) >= 7, lived


def test_the_model_of_an_agent_that_nothing_stops_answers_late_and_never_hangs() -> None:
    late, said = OPENHANDS.spoken((Hang(), Say("So be it.")))
    assert isinstance(late, Slowly)
    assert late.pause * len(late.text.split()) >= HANGS
    assert said == Say("So be it.")
    (silent,) = INTERPRETER.spoken((Hang(),))
    assert isinstance(silent, Say)
    assert silent.after >= HANGS
    assert COPILOT.spoken((Hang(),)) == (Hang(),)


def test_the_model_of_an_agent_that_goes_on_says_by_a_command_that_it_has_finished() -> None:
    runs = Execute("seq 1 40")
    assert MINI.spoken((runs, Say("All."), Slowly("All of it.", 0.1))) == (
        runs,
        Finish("All.", MINI.ends),
        Finish("All of it.", MINI.ends, 0.1),
    )


def test_a_shell_more_runs_only_what_a_person_is_to_be_asked_for() -> None:
    asked = Execute("touch 'a b'", outside=True)
    inner = Execute("bash -c 'touch '\"'\"'a b'\"'\"''", outside=True)
    unasked = Execute("seq 1 40")
    assert HERMES.spoken((asked, unasked)) == (inner, unasked)
    assert COPILOT.spoken((asked,)) == (asked,)


def test_an_agent_that_asks_before_everything_asks_in_the_place_of_what_it_does() -> None:
    does = Beat("count", "tool", (Execute("seq 1 40"), Say("Forty.")), "command")
    says = Beat("explain", "say", (Say("So."),), "streaming")
    assert met(EDITH, does) == replace(does, kind="ask", situation="permission")
    assert met(EDITH, says) == says
    assert met(COPILOT, does) == does


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        (b"in /tmp/f-ab12cd34/run now", b"in /home/person/xx/run now"),
        (b"in /tmp/f-\x1b[1mab12\x1b[0mcd34", b"in /home/p\x1b[1merso\x1b[0mn/xx"),
        (b"| /tmp/f-ab1\r\n\xe2\x94\x82 2cd34/", b"| /home/pers\r\n\xe2\x94\x82 on/xx/"),
        (b"cut: \xe2\x80\xa6f-ab12cd34/run", b"cut: \xe2\x80\xa6xxxxxxxxxx/run"),
        (b"/tmp/f-another0" + b" " * 4000, b"/tmp/f-another0" + b" " * 4000),
    ],
)
def test_a_name_is_taken_out_and_what_stands_in_it_stays(shown: bytes, kept: bytes) -> None:
    assert cleaned(shown, ["/tmp/f-ab12cd34", "f-ab12cd34"]) == kept


@pytest.mark.parametrize("name", ["/root", "/a", "f-ab12cd34", "/tmp/é", "/srv/" + "long/" * 30])
def test_what_stands_for_a_name_is_as_long(name: str) -> None:
    assert len(stand_in(name)) == len(name.encode())
