"""Measured tables put into a model's card: between two comments that name the region, so that no figure is typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from wetgate.engine.pipeline import cores
from wetgate.engine.record import machine, software


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def put(card: Path, region: str, lines: Sequence[str], command: str) -> None:
    """Replace a region of a card by ``lines``, under a line that says how, when and on what they were measured."""
    text = card.read_text(encoding="utf-8")
    ends = f"<!-- measured: {region} -->", "<!-- end of what was measured -->"
    between = re.compile(re.escape(ends[0]) + ".*?" + re.escape(ends[1]), re.DOTALL)
    if not between.search(text):
        raise SystemExit(f"{card} has no region {region}: write {ends[0]} and {ends[1]} on lines of their own")
    versions = software()
    on = ", ".join(f"{name} {versions[name]}" for name in ("torch", "onnxruntime") if name in versions)
    day = datetime.now(UTC).date().isoformat()
    said = f"*By `{command}`, {day}: {cores()} processors, {machine()['instructions']}{'; ' if on else ''}{on}.*"
    body = "\n".join([ends[0], "", said, "", *lines, "", ends[1]])
    card.write_text(between.sub(lambda _: body, text), encoding="utf-8")
