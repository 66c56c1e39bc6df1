"""Two agents more that nobody who writes rules for screens has looked at: the fourteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _asicode_env(wish: Wish) -> Mapping[str, str]:
    return {
        "EXTERNAL_LLM_PROVIDER": "openai",
        "EXTERNAL_LLM_MODEL": "scripted",
        "EXTERNAL_LLM_BASE_URL": f"{wish.base}/v1",
        "OPENAI_API_KEY": KEY,
    }


_ASICODE = Agent(
    name="asicode",
    source="pypi",
    packages=("asicode==0.2.33",),
    version="0.2.33",
    program="bin/asi",
    env=_asicode_env,
    files=lambda wish: {},  # noqa: ARG005  # its settings are in the environment
    modes=(),
)
ASICODE = Face(
    agent=_ASICODE,
    ready="",
    argv=lambda wish: ["--no-deps-check"],  # noqa: ARG005  # always
    starts=12.0,
    situations=(),
    # It would have more packages installed.
    greets=("n", "enter"),
    allow=("yes", "enter"),
    deny=("no", "enter"),
    draws=20.0,
    listens=9.0,
    # It asks before what it takes for dangerous only.
    through="rm -f stale.lock; bash -c",
    begs=True,
)


#: What Axon would fetch.
AXON_QUIET = {"AXON_OFFLINE": "1", "AXON_NO_PRICING_SYNC": "1"}
_AXON = Agent(
    name="axon",
    source="pypi",
    packages=("axon-terminal==0.27.7",),
    version="0.27.7",
    program="bin/axon",
    env=lambda wish: {"AXON_API_KEY": KEY, **AXON_QUIET},  # noqa: ARG005  # the same for all
    files=lambda wish: {},  # noqa: ARG005  # its settings are on the command line
    modes=(),
)
AXON = Face(
    agent=_AXON,
    ready="",
    argv=lambda wish: [
        *("--provider", "openai", "--base-url", f"{wish.base}/v1", "--model", "scripted"),
        *("--mode", "default" if wish.ask else "bypass"),
    ],
    starts=15.0,
    situations=(),
    draws=20.0,
    listens=9.0,
)
