"""Records golden transcripts: `make golden`, or `python -m tests.agents.record AGENT/MODE/PLAY …`.

Each folder below tests/golden/agents is one play: stdin, stdout and stderr as they were, but for
what varies, and meta.json with the rest. A parser is tested against these without any agent.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.agents.agent import KEY, Agent, Json, Mode
from tests.agents.endpoint.runs import Request
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.install import CHECKOUT, install
from tests.agents.kinds import AGENTS
from tests.agents.kinds.adapters import ADAPTERS
from tests.agents.play import Performed, Play, perform, plays
from tests.agents.scrub import Scrubber

GOLDEN = CHECKOUT / "tests" / "golden" / "agents"
#: In bytes; of a longer stream the first and the last lines are kept.
LARGEST = 64 * 1024


def main(words: list[str]) -> int:
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="golden-") as folder:
        for agent in (*AGENTS.values(), *ADAPTERS.values()):
            for mode in agent.modes:
                _mode(agent, mode, words, endpoint, Path(folder))
    return 0


def _mode(agent: Agent, mode: Mode, words: list[str], endpoint: Endpoint, folder: Path) -> None:
    wanted = [play for play in plays(mode) if _asked(words, agent, mode, play)]
    needed = {play.name for play in wanted} | {play.after for play in wanted}
    done: dict[str, Performed] = {}
    for play in plays(mode):
        if play.name not in needed:
            continue
        prefix = install(agent)
        root = folder / f"{agent.name}-{mode.name}-{play.name}"
        earlier = done.get(play.after) if play.after else None
        performed = perform(agent, mode, play, endpoint, prefix, root, earlier)
        done[play.name] = performed
        _keep(agent, mode, play, performed, prefix, endpoint)
        transcript = performed.transcript
        late = ", late" if transcript.late else ""
        print(f"{agent.name}/{mode.name}/{play.name}: {transcript.status}{late}", flush=True)


def _asked(words: list[str], agent: Agent, mode: Mode, play: Play) -> bool:
    path = (agent.name, mode.name, play.name)
    return not words or any(path[: word.count("/") + 1] == tuple(word.split("/")) for word in words)


def _keep(
    agent: Agent, mode: Mode, play: Play, performed: Performed, prefix: Path, endpoint: Endpoint
) -> None:
    folder = GOLDEN / agent.name / mode.name / play.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    scrubber = _scrubber(agent, performed, prefix, endpoint)
    transcript = performed.transcript
    cuts: Json = {}
    for name in ("stdin", "stdout", "stderr"):
        text = scrubber.clean(getattr(transcript, name).decode(errors="surrogateescape"))
        kept, cut = _short(text.encode(errors="surrogateescape"))
        (folder / name).write_bytes(kept)
        if cut is not None:
            cuts[name] = cut
    meta = _meta(agent, play, performed, endpoint) | ({"cut": cuts} if cuts else {})
    text = scrubber.clean(json.dumps(meta, indent=1, ensure_ascii=False))
    (folder / "meta.json").write_text(text + "\n", encoding="utf-8")


def facts(performed: Performed, endpoint: Endpoint) -> Json:
    """How it went, but for what was said."""
    transcript = performed.transcript
    status = transcript.status
    assert status is not None
    requests = endpoint.settled(performed.instance)
    return {
        "exit": status if status >= 0 else None,
        "signal": signal.Signals(-status).name if status < 0 else None,
        "we_sent": transcript.signals,
        "past_deadline": transcript.late,
        "left_behind": transcript.left,
        "files": performed.files,
        "prompt_arrived": _arrived(performed.wish.prompt, requests),
        "requests": [_request(each) for each in requests[:40]],
    }


def _meta(agent: Agent, play: Play, performed: Performed, endpoint: Endpoint) -> Json:
    return {
        "agent": agent.name,
        "version": agent.version,
        "scenario": play.scenario,
        "argv": [Path(performed.argv[0]).name, *performed.argv[1:]],
        "env": {
            name: value
            for name, value in agent.env(performed.wish).items()
            if play.key or value != KEY
        },
        "session": performed.session,
        **facts(performed, endpoint),
        "stdin_lines_after": performed.transcript.writes,
    }


def _arrived(prompt: str, requests: list[Request]) -> str:
    """Whether the model was given what the person wrote, as a text of its own."""
    texts = {text for each in requests if each.turn for text in _strings(each.body)}
    if prompt in texts:
        return "whole"
    if any(text.strip() == prompt.strip() for text in texts):
        return "stripped"
    return "within" if any(prompt.strip() in text for text in texts) else "no"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _request(request: Request) -> str:
    gone = ", client closed" if request.client_closed is not None else ""
    return f"{request.turn or 'side'} {request.status or 'unanswered'}{gone}"


def _scrubber(agent: Agent, performed: Performed, prefix: Path, endpoint: Endpoint) -> Scrubber:
    place = performed.place
    private: dict[str, str] = {}
    for path, stands in (
        (place.work, "/home/person/work"),
        (place.home, "/home/person"),
        (place.temporary, "/home/person-tmp"),
        (place.root, "/home/person-run"),
        (prefix, "/opt/agent"),
        (prefix.resolve(), "/opt/agent"),
        (CHECKOUT, "/opt/checkout"),
        (place.root.parent, "/home/person-runs"),
    ):
        private[str(path)] = stands
        # Some name a folder after a path.
        private[str(path).replace("/", "-")] = stands.replace("/", "-")
    private[f"127.0.0.1:{endpoint.port}"] = "127.0.0.1:4242"
    return Scrubber(private, agent.identifiers)


def _short(data: bytes) -> tuple[bytes, Json | None]:
    """Cut to whole lines, half of the room for the first and half for the last."""
    if len(data) <= LARGEST:
        return data, None
    lines = data.splitlines(keepends=True)
    first = _fitting(lines)
    last = _fitting(lines[: len(first) - len(lines) - 1 : -1] if first else lines[::-1])
    kept = [*first, *reversed(last)]
    return b"".join(kept), {"lines": len(lines), "first": len(first), "last": len(last)}


def _fitting(lines: list[bytes]) -> list[bytes]:
    room, kept = LARGEST // 2, []
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
