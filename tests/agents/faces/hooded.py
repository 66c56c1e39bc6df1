"""Two agents more that nobody who writes rules for screens has looked at: the thirteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _postal_files(wish: Wish) -> Mapping[str, str]:
    policy = "on_request" if wish.ask else "yolo"
    return {".config/postal/config.toml": f'approval = "{policy}"\n\n[model]\nname = "scripted"\n'}


_POSTAL = Agent(
    name="postal",
    source="pypi",
    packages=("postalcli==0.0.35",),
    version="0.0.35",
    program="bin/postal",
    env=lambda wish: {"API_KEY": KEY, "BASE_URL": f"{wish.base}/v1"},
    files=_postal_files,
    modes=(),
)
POSTAL = Face(
    agent=_POSTAL,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file and the environment
    starts=20.0,
    situations=(),
    # Escape alone it reads only once another key comes.
    deny=("n",),
    stop=("ctrl-c",),
    draws=20.0,
)


#: Without its vendor's cloud, to which it would have a person sign in.
ITE_ALONE = {"ITE_CLOUD_AUTH_ENABLED": "false"}


def _ite_files(wish: Wish) -> Mapping[str, str]:
    mode = "ask" if wish.ask else "full"
    lines = (f'permissions = "{mode}"', "onboarding_completed = true", "")
    return {".config/ite/config.toml": "\n".join(lines)}


_ITE = Agent(
    name="ite",
    source="pypi",
    packages=("ite-agent==0.2.34",),
    version="0.2.34",
    program="bin/ite",
    env=lambda wish: ITE_ALONE,  # noqa: ARG005  # the same for all
    files=_ite_files,
    modes=(),
)
ITE = Face(
    agent=_ITE,
    ready="",
    argv=lambda wish: ["-u", f"{wish.base}/v1", "-k", KEY, "-m", "scripted"],
    starts=25.0,
    situations=(),
    stop=("ctrl-c",),
    ponders=10.0,
    draws=60.0,
    # The key that sends bears its name only where it is at rest.
    rested=r"send \S",
    # Its screen may halt where the machine is busy.
    rests=3.0,
)
