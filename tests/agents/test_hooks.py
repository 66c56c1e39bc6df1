"""The real Claude Code on a terminal runs our hooks beside its user's, and tells by them."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.errors import IllegalTransition
from inspan.model.activity import Doing, Source
from tests.agents.agent import Wish
from tests.agents.endpoint.serve import serving
from tests.agents.faces.faces import FACES
from tests.agents.test_terminals import spec_of
from tests.fakes.puppets import lone_engine

pytestmark = [
    pytest.mark.agents,
    pytest.mark.anyio,
    pytest.mark.requirement("B4", "C5"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

EVENTS = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")


async def test_claude_tells_by_hooks_and_its_users_go_on_working() -> None:
    face = FACES["claude"]
    with serving() as endpoint, tempfile.TemporaryDirectory(prefix="f-") as root:
        heard = Path(root) / "heard"

        def files(wish: Wish) -> dict[str, str]:
            own = {
                event: [{"hooks": [{"type": "command", "command": f"echo {event} >>{heard}"}]}]
                for event in EVENTS
            }
            return {**face.files(wish), ".claude/settings.json": json.dumps({"hooks": own})}

        spec = spec_of(replace(face, files=files), endpoint, Path(root) / "claude")
        told: set[tuple[Doing, Source | None, str]] = set()
        async with lone_engine() as (control, _):
            task = await control.submit(spec)
            with anyio.fail_after(120):
                while (Doing.IDLE, Source.HOOK, "Stop") not in told:
                    await anyio.sleep(0.05)
                    with suppress(IllegalTransition):  # it has not begun
                        does = await control.activity(task.id)
                        told.add((does.doing, does.source, does.rule))
                    asked = (await control.get(task.id)).needs
                    if asked is not None:
                        await control.answer(task.id, "allow", question=asked.id)
            await control.interrupt(task.id, force=True)
        assert (Doing.WORKING, Source.HOOK, "UserPromptSubmit") in told
        assert heard.read_text().split() == list(EVENTS)
