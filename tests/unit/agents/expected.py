"""How the real agents ended in each golden transcript, and in which mode of ours they speak it."""

from __future__ import annotations

from typing import Final

from inspan.model.agent import Ending

#: agent → the folder of its transcripts that its mode ``stream`` or ``acp`` speaks.
SPOKEN: Final = {"claude": "stdio", "codex": "app-server", "pi": "rpc"}

#: What holds for every agent: whoever differs says so below.
_ENDINGS: Final = {
    "answer": Ending.DONE,
    "cut": Ending.CUT,
    "first_turn": Ending.DONE,
    "first_turn_resumed": Ending.DONE,
    "hang": Ending.DONE,  # interrupted, and then it answered the next prompt
    "long_command": Ending.DONE,  # the same
    "long_command_kill": Ending.STOPPED,
    "long_command_kill_resumed": Ending.DONE,
    "no_key": Ending.LOGIN,
    "overloaded": Ending.OVERLOADED,
    "permission_allow": Ending.DONE,
    "permission_deny": Ending.DONE,
    "permission_interrupt": Ending.DONE,  # the same
    "quota": Ending.QUOTA,
    "rate_limited": Ending.STOPPED,  # it waits for an hour, and is told to go
    "rate_limited_then_ok": Ending.DONE,
    "run_command": Ending.DONE,
    "slow": Ending.DONE,
    "two_turns": Ending.DONE,
    "unauthorized": Ending.LOGIN,
    "unfinished": Ending.CUT,
    "unknown_session": Ending.FORGOTTEN,
    "write_file": Ending.DONE,
}
_OWN: Final = {
    "claude": {
        "cut": Ending.OVERLOADED,  # it says that the service broke off
        "rate_limited": Ending.QUOTA,  # it does not wait
    },
    "pi": {
        "unfinished": Ending.DONE,  # it takes the answer for whole, and nothing tells otherwise
    },
}


def ending(agent: str, scenario: str) -> Ending:
    """How ``agent`` ended in ``scenario``."""
    return _OWN.get(agent, {}).get(scenario, _ENDINGS[scenario])
