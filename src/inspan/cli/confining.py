"""What a task is confined to, from a command line; what more it may do stands in the settings."""

from __future__ import annotations

import argparse
import os
from typing import Final

from inspan.cli import afar
from inspan.errors import BadInput
from inspan.model.sandbox import Network, TaskSandbox
from inspan.settings import Settings

_WIDER: Final = "Set `sandbox: network: host` in the settings, or leave out --network."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this module."""
    group = parser.add_argument_group("what its program is confined to")
    group.add_argument(
        "--sandbox",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="let it write in its workspace alone (default: as the settings have it)",
    )
    group.add_argument(
        "--network",
        choices=[choice.value for choice in Network],
        help="in a sandbox: whom it can reach",
    )
    group.add_argument(
        "--hide", action="append", default=[], metavar="PATH", help="in a sandbox: unseen by it"
    )


def sandbox_of(args: argparse.Namespace, settings: Settings, *, agent: bool) -> TaskSandbox | None:
    """What the flags say; without any, what the settings have for such a task. Raises BadInput."""
    if afar.address() is not None:
        return _there(args)
    usual = settings.sandbox.usual(agent=agent)
    if args.network is None and not args.hide:
        return usual if args.sandbox is None else TaskSandbox() if args.sandbox else None
    if args.sandbox is False or (args.sandbox is None and usual is None):
        raise BadInput("--network and --hide are about a sandbox", hint="Add --sandbox.")
    network = Network(args.network or settings.sandbox.network)
    if settings.sandbox.reach(TaskSandbox(network=network)) is not network:
        raise BadInput("the settings give sandboxes no network", hint=_WIDER)
    return TaskSandbox(network=network, hide=tuple(map(os.path.abspath, args.hide)))


def _there(args: argparse.Namespace) -> TaskSandbox | None:
    """What the flags ask of a daemon elsewhere, whose settings have the last word."""
    if args.sandbox is False:
        raise BadInput(
            "whether a task goes without a sandbox there, the settings there say",
            hint="Leave --no-sandbox out.",
        )
    if args.network is None and not args.hide:
        return TaskSandbox() if args.sandbox else None
    network = Network(args.network) if args.network else TaskSandbox().network
    return TaskSandbox(network=network, hide=tuple(map(afar.folder, args.hide)))
