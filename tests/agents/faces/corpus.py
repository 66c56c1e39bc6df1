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

import anyio

from tests.agents.endpoint.serve import serving
from tests.agents.faces.face import Face
from tests.agents.faces.faces import TOLD
from tests.agents.faces.record import keep, live
from tests.agents.faces.situations import Scene, Situation
from tests.agents.faces.stories import STORIES, Story
from tests.agents.faces.tell import Teller
from tests.agents.install import CHECKOUT, install

CORPUS = CHECKOUT / "tests" / "golden" / "corpus"
SIZES = ((60, 24), (80, 24), (100, 30), (120, 36), (140, 45))


def wanted(words: list[str]) -> Iterator[tuple[Face, str, tuple[int, int]]]:
    for face in TOLD.values():
        for name, story in STORIES.items():
            for cols, rows in SIZES:
                path = f"{face.agent.name}/{name}/{cols}x{rows}"
                folder = CORPUS / face.agent.name / f"{name}-{cols}x{rows}"
                named = any(word in path for word in words)
                if named and face.asks >= story.ask and not folder.exists():
                    yield face, name, (cols, rows)


async def told(story: Story, size: tuple[int, int], scene: Scene) -> None:
    at = SIZES.index(size)
    await Teller(scene, [*SIZES[at + 1 :], *SIZES[:at]]).tell(story)


def main(words: list[str]) -> int:
    failed: list[str] = []
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as folder:
        for face, name, size in wanted(words):
            story = STORIES[name]
            path = f"{name}-{size[0]}x{size[1]}"
            situation = Situation(partial(told, story, size), "answer", ask=story.ask)
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
