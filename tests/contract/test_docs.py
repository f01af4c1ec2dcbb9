"""Documentation that cannot go stale: its Python runs, its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
from support import contract
from support.cases import SPACES, Cases
from wetgate.spec import registry

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "plugin").rglob("*.md"), *(ROOT / "luts").rglob("*.md")])
WITH_CODE = [
    page for page in PAGES if page.parent == ROOT / "plugin" / "docs" and "```python" in page.read_text("utf-8")
]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str, *languages: str) -> list[tuple[int, str]]:
    """Line and text of every fenced block of these languages; "" is a block that names none."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: m.start(2)].count("\n") + 1, m.group(2)) for m in found if m.group(1) in languages]


def run_blocks(page: Path) -> dict[str, object]:
    """Run the Python of a page from top to bottom as one module; tracebacks have the page's own line numbers."""
    module = types.ModuleType(f"page_{page.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module  # where the annotations of a class are looked up
    for line, code in blocks(page.read_text("utf-8"), "python"):
        exec(compile("\n" * (line - 1) + code, str(page), "exec", dont_inherit=True), vars(module))
    return vars(module)


@pytest.fixture
def shipped_nodes_alone():
    """Takes the nodes that a page declares out of the registry again."""
    before = set(registry.nodes())
    yield before
    for node_id in set(registry.nodes()) - before:
        registry.forget(node_id)
    for name in [name for name in sys.modules if name.startswith("page_")]:
        del sys.modules[name]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_python_of_a_page_runs(page, shipped_nodes_alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page)


def test_the_nodes_of_the_manual_keep_the_contract(shipped_nodes_alone):
    names = run_blocks(ROOT / "plugin" / "docs" / "adding-a-node.md")
    made = sorted(set(registry.nodes()) - shipped_nodes_alone)
    assert made == ["crisp", "level_exposure", "printer_lights", "time_mean"]
    for node_id in made:
        node = registry.get(node_id)
        settings = names["SETTINGS"] if node_id == "printer_lights" else {}
        for check in contract.CHECKS:
            check(node, Cases(SPACES[node.space], settings=settings))


def test_the_manual_is_among_the_pages_that_run():
    assert "plugin/docs/adding-a-node.md" in [name_of(page) for page in WITH_CODE]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r"(?:src|href)=\"([^\"#]+)\"", text)
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing, f"{name_of(page)} links to {missing}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_exists(page):
    said = {
        word
        for _, block in blocks(page.read_text("utf-8"), "sh", "bash", "console", "")
        for word in re.findall(r"^(?:\$ )?wetgate ([a-z]+)", block, re.MULTILINE)
    }
    unknown = {word for word in said if not _is_command(word)}
    assert not unknown, f"{name_of(page)} tells to run wetgate {', '.join(sorted(unknown))}"


def _is_command(word: str) -> bool:
    code = "from wetgate.surfaces.cli.main import main; main()"
    command = [sys.executable, "-c", code, word, "--help"]
    environment = {"PYTHONPATH": str(ROOT / "plugin"), "PATH": ""}
    return subprocess.run(command, capture_output=True, env=environment, check=False).returncode == 0
