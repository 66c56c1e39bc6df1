"""YAML as scripts use it: safe, words stay words, no aliases; it knows nothing of steps."""

from __future__ import annotations

import re
from typing import Any

import yaml

from inspan.errors import BadInput


class _Loader(yaml.SafeLoader):
    """YAML 1.1 makes booleans of yes, no and on, and dates of numbers; scripts mean the words."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "aliases are not allowed", self.get_mark()
            )
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_DROPPED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag not in _DROPPED]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_DROPPED[0], re.compile("^(?:true|false)$"), ["t", "f"])


def read(text: str) -> Any:
    """The plain value of one YAML document. Raises BadInput with line and column."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader, with less in it
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise BadInput(f"the script is not valid YAML: {error.problem}{where}") from error
    except RecursionError as error:
        raise BadInput("the script is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"the script is not valid YAML: {reason}") from error
