"""The same agents where nobody is logged in: nothing tells them of a provider or a key.

What each does then is in its documents: most ask a person at once, and wait; some sit at their
prompt, and tell of it there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from inspan.model.activity import Doing
from tests.agents.agent import Wish
from tests.agents.faces import (
    blind,
    buried,
    cloaked,
    concealed,
    covered,
    cowled,
    curtained,
    draped,
    faces,
    hidden,
    hooded,
    mantled,
    masked,
    muffled,
    sealed,
    shrouded,
    unseen,
    veiled,
    wrapped,
)
from tests.agents.faces.face import Face
from tests.agents.faces.situations import Scene, Situation
from tests.agents.install import CACHE

#: In seconds: until it has surely started, and how long it is looked at then.
STARTS, LOOKED = 45.0, 6.0


@dataclass(frozen=True)
class Login:
    """An agent of which nobody told it who it works for, and what it does then."""

    face: Face
    doing: Doing
    #: What it is found in: one asks for something else first.
    called: str = "login"

    @property
    def situation(self) -> Situation:
        return Situation(partial(_missing, f"{self.doing}/{self.called}"), "answer")


async def _missing(what: str, scene: Scene) -> None:
    """It starts, and nobody does anything."""
    await scene.begin()
    await scene.be(what, LOOKED)


def _nothing(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    return {}


def _trusted(wish: Wish) -> Mapping[str, str]:
    """Else nanocoder would ask for that first."""
    trusted = {"trustedDirectories": [str(wish.place.work)]}
    return {".config/nanocoder/nanocoder-preferences.json": json.dumps(trusted)}


def _alone(
    face: Face,
    doing: Doing,
    *words: str,
    env: Mapping[str, str] | None = None,
    files: Callable[[Wish], Mapping[str, str]] = _nothing,
) -> Login:
    """With these words, files and variables alone."""
    agent = replace(face.agent, env=lambda wish: env or {}, files=files)  # noqa: ARG005  # always
    argv = partial(_said, words)
    bare = replace(face, agent=agent, argv=argv, files=_nothing, ready="", starts=STARTS)
    return Login(bare, doing)


def _said(words: tuple[str, ...], wish: Wish) -> tuple[str, ...]:  # noqa: ARG001  # the same for all
    return words


_NANOCODER = CACHE / "nanocoder" / "node_modules" / ".bin" / "nanocoder"
_MASTRA = CACHE / "mastracode" / veiled.MASTRA_SCRIPT
_QUIET: Mapping[str, Mapping[str, str]] = {
    "opencode": {
        f"OPENCODE_DISABLE_{name}": "1"
        for name in ("AUTOUPDATE", "DEFAULT_PLUGINS", "LSP_DOWNLOAD", "MODELS_FETCH")
    },
    "pi": {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"},
    "continue": {"CONTINUE_TELEMETRY_ENABLED": "0"},
    "cline": {"CLINE_DISABLE_CLINE_PASS_NOTICE": "1"},
    "copilot": {"COPILOT_AUTO_UPDATE": "false"},
    "kimi": {"KIMI_CLI_NO_AUTO_UPDATE": "1"},
    "deepagents": {
        "DEEPAGENTS_CODE_AUTO_UPDATE": "0",
        "DEEPAGENTS_CODE_OFFLINE": "1",
        "DEEPAGENTS_CODE_RIPGREP_INSTALLER": "system",
    },
}
LOGINS: Mapping[str, Login] = {
    login.face.agent.name: login
    for login in (
        _alone(faces.OPENCODE, Doing.IDLE, env=_QUIET["opencode"]),
        _alone(faces.VIBE, Doing.WAITING, "--trust"),
        _alone(faces.AIDER, Doing.WAITING, "--no-check-update", "--no-gitignore"),
        _alone(faces.PI, Doing.IDLE, env=_QUIET["pi"]),
        _alone(faces.QWEN, Doing.WAITING),
        _alone(faces.CONTINUE, Doing.WAITING, env=_QUIET["continue"]),
        _alone(faces.CLINE, Doing.WAITING, "--tui", env=_QUIET["cline"]),
        _alone(faces.GPTME, Doing.WAITING, "--name", "scripted"),
        _alone(faces.KIMI, Doing.IDLE, env=_QUIET["kimi"]),
        _alone(faces.NANOCODER, Doing.WAITING, str(_NANOCODER), files=_trusted),
        _alone(faces.DEEPAGENTS, Doing.WAITING, "--no-interpreter", env=_QUIET["deepagents"]),
        _alone(unseen.COPILOT, Doing.IDLE, env=_QUIET["copilot"], files=unseen.COPILOT.agent.files),
        _alone(unseen.OPENHANDS, Doing.WAITING, env=unseen.OPENHANDS_QUIET),
        _alone(blind.LETTA, Doing.WAITING, env=blind.LETTA_QUIET),
        _alone(blind.MINI, Doing.WAITING, env=blind.MINI_QUIET),
        _alone(sealed.HERMES, Doing.WAITING),
        _alone(sealed.PUPPY, Doing.IDLE, "-i", env=sealed.PUPPY_QUIET, files=sealed.puppy_names),
        _alone(faces.MASTRA, Doing.WAITING, str(_MASTRA), env=veiled.MASTRA_QUIET),
        _alone(faces.INTERPRETER, Doing.WAITING, env=veiled.INTERPRETER_QUIET),
        _alone(cloaked.JANITO, Doing.WAITING, "--config"),
        _alone(cloaked.PATCHPAL, Doing.IDLE, env=cloaked.PATCHPAL_QUIET),
        _alone(masked.ZRB, Doing.IDLE, "llm", "chat", env=masked.ZRB_QUIET),
        # Without a key it ends; where there is no repository it asks whether to go on.
        replace(
            _alone(
                masked.OPEN_CODEX,
                Doing.WAITING,
                *("--provider", "ollama", "--model", "scripted"),
                env=masked.OPEN_CODEX_NOWHERE,
            ),
            called="trust",
        ),
        _alone(covered.WIZOLT, Doing.IDLE, files=covered.wizolt_untold),
        _alone(faces.KOLEGA, Doing.WAITING, "tui"),
        _alone(faces.ITE, Doing.WAITING, env=hooded.ITE_ALONE),
        # Without a key it ends; this is how it is told one.
        _alone(hooded.POSTAL, Doing.WAITING, "login", "--paste"),
        _alone(shrouded.ASICODE, Doing.WAITING, "--no-deps-check"),
        _alone(shrouded.AXON, Doing.WAITING, env=shrouded.AXON_QUIET),
        # Without a key both end; where the folder is not trusted they ask about that.
        replace(
            _alone(
                hidden.MARIM,
                Doing.WAITING,
                env=hidden.MARIM_NOWHERE,
                files=hidden.marim_servers,
            ),
            called="trust",
        ),
        replace(_alone(hidden.EDITH, Doing.WAITING), called="trust"),
        _alone(concealed.NEMO, Doing.WAITING, "code"),
        # It has its vendor's model for all; where the folder is not trusted it asks about that.
        replace(
            _alone(concealed.ANDROMITY, Doing.WAITING, env=concealed.ANDROMITY_QUIET),
            called="trust",
        ),
        _alone(curtained.VAGUE, Doing.WAITING, "tui", env=curtained.VAGUE_SLOW),
        _alone(
            cowled.GROK_BUILD,
            Doing.WAITING,
            env=cowled.GROK_QUIET,
            files=cowled.grok_silent,
        ),
        # It would look for its vendor's model; it sits at its prompt, and tells of it there.
        _alone(cowled.STRANDS, Doing.IDLE, env=cowled.STRANDS_NOWHERE),
        _alone(mantled.ARIA, Doing.IDLE, env=mantled.ARIA_QUIET, files=mantled.aria_silent),
        # Without a key it ends; this is how it is told one.
        _alone(mantled.AGENTAO, Doing.WAITING, "init"),
        _alone(draped.PAIRWIT, Doing.WAITING),
        # Without a key it ends; this is how it is told one.
        _alone(draped.POOH, Doing.WAITING, "init"),
        # It has a model of its own that only repeats what it is told.
        _alone(muffled.TURNLOOP, Doing.IDLE),
        _alone(muffled.WINDCODE, Doing.IDLE),
        _alone(wrapped.HUBBLE, Doing.WAITING),
        # Both sit at their prompt, and tell of it there.
        _alone(buried.JOSHU, Doing.IDLE, "interactive"),
        _alone(buried.RETIE, Doing.IDLE, *buried.RETIE_WORDS),
    )
}
