"""The errors of these scripts. Both are RuntimeErrors, as Nuke's own are, and their text is one sentence a problem."""

from __future__ import annotations


class WetgateError(RuntimeError):
    """What was asked for cannot be done; the text says what, where, and what to do."""


class Cancelled(WetgateError):
    """The user pressed Cancel. The text is the one that Nuke gives a cancelled render."""

    def __init__(self) -> None:
        super().__init__("Cancelled")
