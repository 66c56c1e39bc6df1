"""Records the corpus: `python -m tests.agents.faces.corpus AGENT/STORY/COLSxROWS …`.

Each word names what to record by a part of that path; what is there already is left as it is. A
recording that goes otherwise than its story is not kept.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio

from tests.agents.endpoint.serve import serving
from tests.agents.faces.face import Face
from tests.agents.faces.faces import TOLD
from tests.agents.faces.logins import LOGINS
from tests.agents.faces.record import keep, live
from tests.agents.faces.situations import Scene, Situation
from tests.agents.faces.stories import STORIES, Story
from tests.agents.faces.tell import Teller
from tests.agents.install import CHECKOUT, install

CORPUS = CHECKOUT / "tests" / "golden" / "corpus"
SIZES = ((60, 24), (80, 24), (100, 30), (120, 36), (140, 45))


Wanted: TypeAlias = tuple[Face, str, tuple[int, int]]


def wanted(words: list[str]) -> Iterator[Wanted]:
    for face in TOLD.values():
        for name, story in STORIES.items():
            if face.asks >= story.ask:
                yield from _missing(face, name, words)
    for login in LOGINS.values():
        yield from _missing(login.face, login.called, words)


def _missing(face: Face, name: str, words: list[str]) -> Iterator[Wanted]:
    for cols, rows in SIZES:
        path = f"{face.agent.name}/{name}/{cols}x{rows}"
        folder = CORPUS / face.agent.name / f"{name}-{cols}x{rows}"
        if any(word in path for word in words) and not folder.exists():
            yield face, name, (cols, rows)


def _situation(face: Face, name: str, size: tuple[int, int]) -> Situation:
    login = LOGINS.get(face.agent.name)
    if login is not None and login.called == name:
        return login.situation
    return Situation(partial(told, STORIES[name], size), "answer", ask=STORIES[name].ask)


async def told(story: Story, size: tuple[int, int], scene: Scene) -> None:
    at = SIZES.index(size)
    larger, smaller = SIZES[at + 1 :], SIZES[:at]
    others = larger + larger[-1:] * len(SIZES) if scene.face.grows else larger + smaller
    await Teller(scene, list(others)).tell(story)


def main(words: list[str]) -> int:
    failed: list[str] = []
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as folder:
        for face, name, size in wanted(words):
            path = f"{name}-{size[0]}x{size[1]}"
            situation = _situation(face, name, size)
            root = Path(folder) / face.agent.name / path
            install(face.agent)
            try:
                keep(anyio.run(live, face, path, endpoint, root, situation, size), CORPUS)
            except TimeoutError as error:
                failed.append(f"{face.agent.name}/{path}: {error}")
                print(failed[-1], flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
