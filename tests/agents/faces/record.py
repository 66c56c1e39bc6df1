"""Records the agents' faces: `python -m tests.agents.faces.record AGENT/SITUATION …`.

Each folder below tests/golden/screens is one situation: a recording as the keeper writes it, and
labels.json, which says what the agent did from when to when, in seconds from its beginning.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import anyio

from inspan.keeper.client import ensure
from inspan.keeper.recording import INDEX, INPUT, RAW
from inspan.terminal.playback import Playback
from tests.agents.agent import Place, Wish
from tests.agents.drive import MARK, end_all
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.faces.face import Face
from tests.agents.faces.faces import FACES
from tests.agents.faces.hand import Hand
from tests.agents.faces.private import cleaned
from tests.agents.faces.situations import SITUATIONS, Scene, Situation
from tests.agents.install import CACHE, CHECKOUT, install
from tests.agents.play import environment, made
from tests.fakes.labelled import Label

GOLDEN = CHECKOUT / "tests" / "golden" / "screens"
SIZE = (100, 30)


def main(words: list[str]) -> int:
    failed: list[str] = []
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as folder:
        for name, face in FACES.items():
            for situation in face.situations:
                path = f"{name}/{situation}"
                if not words or name in words or path in words:
                    install(face.agent)
                    try:
                        keep(
                            anyio.run(live, face, situation, endpoint, Path(folder) / path), GOLDEN
                        )
                    except TimeoutError as error:
                        failed.append(f"{path}: {error}")
    print(*failed, sep="\n")
    return 1 if failed else 0


@dataclass(frozen=True)
class Lived:
    """A situation as it went."""

    face: Face
    situation: str
    folder: Path
    labels: list[Label]


async def live(
    face: Face,
    name: str,
    endpoint: Endpoint,
    root: Path,
    situation: Situation | None = None,
    size: tuple[int, int] = SIZE,
) -> Lived:
    """Through one situation, in ``root``; raises TimeoutError where it is not as it should be."""
    situation = situation or SITUATIONS[name]
    instance = f"{face.agent.name}-{name}"
    place = made(Place(root / "run"))
    base = endpoint.base(situation.scenario, instance, bare=face.agent.bare)
    wish = Wish(place, base, ask=situation.ask)
    env = {**environment(face.agent, wish, CACHE / face.agent.name), **face.env}
    without = face.keys if name == "login" else ()
    own = face.instead.get(name, face.files)
    place.put({**face.agent.files(wish), **own(wish)})
    folder = root / "recordings" / "s"
    (root / "keep").mkdir(mode=0o700)
    client = await ensure(root / "keep" / "k", root / "keep" / "state")
    async with client:
        try:
            spawned = await client.spawn(
                session="s",
                argv=[str(CACHE / face.agent.name / face.agent.program), *face.argv(wish)],
                cwd=str(place.work),
                env={key: value for key, value in env.items() if key not in without},
                folder=str(folder),
                cols=size[0],
                rows=size[1],
                record_input=True,
            )
            hand = Hand(client, "s", folder, size, spawned.pid, unseen=not face.ready)
            await situation.drive(Scene(face, hand, endpoint, instance, env[MARK]))
        finally:
            await client.kill("s")
            await client.shutdown(force=True)
            end_all(env[MARK])
    return Lived(face, name, folder, _labels(hand.notes, Playback(folder).began or 0.0))


def _labels(notes: list[tuple[float, str | None]], began: float) -> list[Label]:
    return [
        (round(start - began, 3), round(end - began, 3), doing)
        for (start, doing), (end, _) in pairwise(notes)
        if doing is not None
    ]


def _private(folder: Path) -> list[str]:
    """What this machine calls the folders that an agent may show, one gone by now, and itself."""
    temporary = Path(tempfile.gettempdir())
    ours = folder.relative_to(temporary).parts[0]
    kept = (CHECKOUT, CACHE.resolve(), Path.home(), temporary / ours)
    return [*map(str, kept), ours, platform.release()]


def keep(lived: Lived, golden: Path) -> None:
    """Put it below ``golden``, in the place of what was there."""
    agent = lived.face.agent
    target = golden / agent.name / lived.situation
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copyfile(lived.folder / INDEX, target / INDEX)
    for file in (RAW, INPUT):
        if (lived.folder / file).exists():  # nothing may have been typed
            data = (lived.folder / file).read_bytes()
            (target / file).write_bytes(cleaned(data, _private(lived.folder)))
    rows = ",\n  ".join(json.dumps(label) for label in lived.labels)
    told = f'{json.dumps(agent.name)},\n "version": {json.dumps(agent.version)}'
    text = f'{{\n "agent": {told},\n "labels": [\n  {rows}\n ]\n}}\n'
    (target / "labels.json").write_text(text, encoding="utf-8")
    print(f"{agent.name}/{lived.situation}: {len(lived.labels)} labels", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
