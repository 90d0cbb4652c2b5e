"""Questions on a terminal; without one, or with ``--yes``, their defaults."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import typer

from bot.cli.opening import bold, out
from bot.domain.errors import ConfigError

Word = TypeVar("Word", bound=StrEnum)


def somebody_is_there() -> bool:
    """Whether a question would be seen and answered. What runs us with our output caught shows no question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Whoever asks them, every question can be answered by an option instead."""

    asks: bool  # False: nobody is there to answer

    def required(self, question: str, *, option: str) -> str:
        """Something that has no default. Raises ``ConfigError`` when nobody can be asked."""
        if not self.asks:
            raise ConfigError(f"give {option}: it has no default, and nothing is asked here")
        return str(typer.prompt(question)).strip()

    def optional(self, question: str) -> str:
        """Something that may be left out: an empty string."""
        return str(typer.prompt(question, default="", show_default=False)).strip() if self.asks else ""

    def hidden(self, question: str) -> str:
        """A secret, not shown while it is typed; empty if it is not given."""
        return str(typer.prompt(question, default="", show_default=False, hide_input=True)) if self.asks else ""

    def choose(self, question: str, meanings: dict[Word, str], default: Word) -> Word:
        """One of several words."""
        if not self.asks:
            return default
        out.print(f"\n{question}")
        for word, meaning in meanings.items():
            out.print(bold(f"  {word.value}", f": {meaning}"))
        words = {word.value: word for word in meanings}
        while True:
            answer = str(typer.prompt("Your choice", default=default.value)).strip().lower()
            if answer in words:
                return words[answer]
            out.print(f"Write one of: {', '.join(words)}")

    def agree(self, question: str) -> bool:
        """Yes or no; yes without anybody to ask."""
        return typer.confirm(question, default=True) if self.asks else True
