"""Reads an expression of Prometheus as far as our alerts need it, so that a mistake shows.

The grammar is that of https://prometheus.io/docs/prometheus/latest/querying/basics/, without
offsets, subqueries and strings elsewhere than in selectors. It evaluates nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e\d+)?)|(?P<name>[a-zA-Z_:][\w:]*)"
    r"|(?P<string>\"[^\"]*\")|(?P<range>\[\d+[smhd]\])|(?P<op>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){},]))"
)
_FUNCTIONS = {"rate": 1, "increase": 1, "changes": 1, "histogram_quantile": 2, "absent": 1}
_OVER_RANGES = {"rate", "increase", "changes"}
_AGGREGATIONS = {"sum", "max", "min", "avg", "count"}
_BINARY = {"==", "!=", ">=", "<=", ">", "<", "+", "-", "*", "/", "and", "or", "unless"}


@dataclass(frozen=True)
class Selector:
    """A figure that is asked for."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    ranged: bool = False


class Expression:
    """Parsed at once; ValueError where it cannot be."""

    def __init__(self, text: str) -> None:
        self.selectors: list[Selector] = []
        self._tokens = list(_tokens(text))
        self._at = 0
        self._expression()
        if self._at < len(self._tokens):
            raise ValueError(f"{self._tokens[self._at]!r} is too much in {text!r}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise ValueError(f"{wanted or 'more'} is missing before {token!r}")
        self._at += 1
        return token

    def _expression(self) -> None:
        self._operand()
        while self._peek() in _BINARY:
            self._take()
            if self._peek() in {"on", "ignoring"}:
                self._take()
                self._names()
            self._operand()

    def _operand(self) -> None:
        token = self._take()
        if token == "(":
            self._expression()
            self._take(")")
        elif token in _AGGREGATIONS:
            if self._peek() in {"by", "without"}:
                self._take()
                self._names()
            self._arguments(token, 1)
        elif token in _FUNCTIONS:
            self._arguments(token, _FUNCTIONS[token])
        elif re.fullmatch(r"[a-zA-Z_:][\w:]*", token):
            self._selector(token)
        elif not token[0].isdigit():
            raise ValueError(f"{token!r} is no operand")

    def _arguments(self, function: str, count: int) -> None:
        self._take("(")
        first = len(self.selectors)
        for number in range(count):
            if number:
                self._take(",")
            self._expression()
        self._take(")")
        ranged = [selector.ranged for selector in self.selectors[first:]]
        if function in _OVER_RANGES and ranged != [True]:
            raise ValueError(f"{function} takes one range")

    def _names(self) -> None:
        self._take("(")
        self._take()
        while self._peek() == ",":
            self._take()
            self._take()
        self._take(")")

    def _selector(self, name: str) -> None:
        labels = {}
        if self._peek() == "{":
            self._take()
            while self._peek() != "}":
                label = self._take()
                self._take("=")
                labels[label] = self._take().strip('"')
                if self._peek() == ",":
                    self._take()
            self._take("}")
        ranged = self._peek().startswith("[")
        if ranged:
            self._take()
        self.selectors.append(Selector(name, labels, ranged))


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at:]!r} cannot be read")
        found.append(match[0].strip())
        at = match.end()
    return found
