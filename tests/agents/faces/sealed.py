"""Two agents more that nobody who writes rules for screens has looked at: the eighth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _hermes_files(wish: Wish) -> Mapping[str, str]:
    return {
        ".hermes/config.yaml": f"""\
model:
  provider: custom
  default: scripted
  base_url: {wish.base}/v1
  api_key: {KEY}
  context_length: 128000
approvals:
  mode: manual
  timeout: 600
"""
    }


_HERMES = Agent(
    name="hermes",
    source="pypi",
    packages=("hermes-agent==0.19.0",),
    version="0.19.0",
    program="bin/hermes",
    env=lambda wish: {},  # noqa: ARG005  # the same for all
    files=_hermes_files,
    modes=(),
)
HERMES = Face(
    agent=_HERMES,
    ready="",
    argv=lambda wish: [] if wish.ask else ["--yolo"],
    starts=12.0,
    situations=(),
    deny=("4",),
    leave=("ctrl-c",),
    stop=("ctrl-c",),
    ponders=6.0,
    # It asks before what it takes for dangerous, which is all that another shell runs.
    through="bash -c",
)


def puppy_names(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    """All that it asks for first, and nothing of a model."""
    return {".code_puppy/puppy.cfg": "[puppy]\npuppy_name = Puppy\nowner_name = Person\n"}


def _puppy_files(wish: Wish) -> Mapping[str, str]:
    model = {
        "type": "custom_openai",
        "name": "scripted",
        "custom_endpoint": {"url": f"{wish.base}/v1", "api_key": KEY},
        "context_length": 128000,
    }
    return {
        ".code_puppy/extra_models.json": json.dumps({"scripted": model}),
        ".code_puppy/puppy.cfg": f"""\
[puppy]
puppy_name = Puppy
owner_name = Person
model = scripted
yolo_mode = {"false" if wish.ask else "true"}
auto_continue_enabled = false
""",
    }


#: What it would fetch, and draw before all else.
PUPPY_QUIET = {
    "CODE_PUPPY_NO_SPLASH": "1",
    "COLORTERM": "truecolor",
    "NO_VERSION_UPDATE": "1",
}
_PUPPY = Agent(
    name="code-puppy",
    source="pypi",
    packages=("code-puppy==0.0.946",),
    version="0.0.946",
    program="bin/code-puppy",
    env=lambda wish: PUPPY_QUIET,  # noqa: ARG005  # the same for all
    files=_puppy_files,
    modes=(),
)
PUPPY = Face(
    agent=_PUPPY,
    ready="",
    argv=lambda wish: ["-i"],  # noqa: ARG005  # its settings are a file
    starts=12.0,
    situations=(),
    stop=("ctrl-c",),
    ponders=4.0,
)
