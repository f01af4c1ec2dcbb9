"""How commands are declared: what groups, the ends of their help, and their exit codes have in common."""

from __future__ import annotations

import typer


def group(name: str, help: str) -> typer.Typer:
    """Commands under a word of their own, ``wetgate NAME ...``."""
    return typer.Typer(
        name=name,
        help=help,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def examples(*commands: str) -> str:
    """The end of a command's help: what one types. \\b keeps the lines as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def end(code: int) -> None:
    """Leave with the exit code of what ran, where it is not 0."""
    if code:
        raise typer.Exit(code)
