"""How the real agents ended in each golden transcript, and in which mode of ours they speak it."""

from __future__ import annotations

from typing import Final

from inspan.model.agent import Ending

#: agent → the folder of its transcripts that its mode ``stream`` or ``acp`` speaks.
SPOKEN: Final = {
    "claude": "stdio",
    "codex": "app-server",
    "gemini": "acp",
    "opencode": "acp",
    "pi": "rpc",
    "vibe": "acp",
}

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
    "write_file_served": Ending.DONE,
}
#: Those that it tries again by itself, telling nobody, until it is told to go.
_SILENT: Final = dict.fromkeys(("cut", "overloaded", "quota", "unfinished"), Ending.STOPPED)
_OWN: Final = {
    "aider": {
        "unfinished": Ending.DONE,  # it takes the answer for whole, and nothing tells otherwise
    },
    "claude": {
        "cut": Ending.OVERLOADED,  # it says that the service broke off
        "rate_limited": Ending.QUOTA,  # it does not wait
    },
    "gemini": {
        "cut": Ending.OVERLOADED,  # it says that the service failed
        "overloaded": Ending.STOPPED,  # it tries again, and tells nobody
        "rate_limited": Ending.QUOTA,  # it does not wait
    },
    "opencode": _SILENT,
    "pi": {
        "unfinished": Ending.DONE,  # it takes the answer for whole, and nothing tells otherwise
    },
    "vibe": {**_SILENT, "rate_limited": Ending.QUOTA},  # it tells it, and does not wait
}


def ending(agent: str, scenario: str) -> Ending:
    """How ``agent`` ended in ``scenario``."""
    return _OWN.get(agent, {}).get(scenario, _ENDINGS[scenario])


#: Where no session begins that could be taken up: gemini keeps none before its model has answered.
_NEVER_BEGUN: Final = {
    "gemini": ("no_key", "overloaded", "quota", "rate_limited", "unauthorized"),
    "vibe": ("no_key",),
}


def begins(agent: str, scenario: str) -> bool:
    """Whether it told of a session of its own."""
    return scenario != "unknown_session" and scenario not in _NEVER_BEGUN.get(agent, ())
