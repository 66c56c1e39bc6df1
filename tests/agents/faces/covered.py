"""Two agents more that nobody who writes rules for screens has looked at: the twelfth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _wizolt_files(wish: Wish) -> Mapping[str, str]:
    entry = {"url": f"{wish.base}/v1", "model": "scripted", "api": "chat"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in entry.items()]
    config = ["[provider]", 'active = "default"', "", "[provider.default]", *lines, ""]
    return {
        ".wizolt/config.toml": "\n".join(config),
        ".wizolt/secrets.toml": f"default = {json.dumps(KEY)}\n",
    }


def wizolt_untold(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    """As `--init-config` leaves it to be filled in; where there is none it ends."""
    return {".wizolt/config.toml": '[provider]\nactive = "default"\n\n[provider.default]\n'}


_WIZOLT = Agent(
    name="wizolt",
    source="pypi",
    packages=("wizolt==0.76.0",),
    version="0.76.0",
    program="bin/wizolt",
    env=lambda wish: {},  # noqa: ARG005  # its settings are in files
    files=_wizolt_files,
    modes=(),
)
WIZOLT = Face(
    agent=_WIZOLT,
    ready="",
    argv=lambda wish: [] if wish.ask else ["--yolo"],
    starts=20.0,
    situations=(),
    stop=("ctrl-c",),
    draws=20.0,
)


#: What it counts tokens with would be fetched from elsewhere; a package beside it has it here.
KOLEGA_TABLES = "lib/python3.12/site-packages/litellm/litellm_core_utils/tokenizers"
_KOLEGA = Agent(
    name="kolega-code",
    source="pypi",
    packages=("kolega-code==0.45.1", "litellm==1.106.2"),
    version="0.45.1",
    program="bin/kolega-code",
    env=lambda wish: {},  # noqa: ARG005  # its settings are on the command line
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
KOLEGA = Face(
    agent=_KOLEGA,
    ready="",
    argv=lambda wish: [
        "tui",
        "--permission-mode",
        "ask" if wish.ask else "auto",
        *("--endpoint-url", f"{wish.base}/v1", "--endpoint-api-key", KEY),
        *("--endpoint-context", "200000", "--model", "scripted"),
    ],
    starts=25.0,
    situations=(),
    deny=("down", "enter"),
    # A person comes back to its window: after a question nothing else has it take a line by keys.
    polite="\x1b[O\x1b[I",
    ponders=5.0,
    draws=20.0,
    # Its screen may halt where the machine is busy.
    rests=3.0,
)
