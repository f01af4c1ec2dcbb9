"""Every node of the registry keeps the contract. A new node gets these tests by being declared."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
from support.cases import FOLDER, cases_of
from support.contract import CHECKS, shot, work
from wetgate.spec import registry

NODES = sorted(registry.nodes())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("node_id", NODES)
def test_a_node_keeps_the_contract(node_id, check):
    node = registry.get(node_id)
    check(node, cases_of(node))


def _hash_of_a_render(node_id: str) -> str:
    node = registry.get(node_id)
    cases = cases_of(node)
    made = work(node, cases, shot(node, cases))
    return hashlib.sha256(b"".join(np.ascontiguousarray(f.pixels).tobytes() for f in made)).hexdigest()


@pytest.mark.parametrize("node_id", NODES)
def test_another_process_makes_the_same_pixels(node_id, root):
    paths = [str(root / "tests" / "contract"), str(root / "tests"), str(root / "plugin")]
    code = f"import sys; sys.path[:0] = {paths!r}\nimport test_nodes\nprint(test_nodes._hash_of_a_render({node_id!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == _hash_of_a_render(node_id)


@pytest.mark.parametrize("node_id", NODES)
def test_a_default_text_is_one_that_its_node_can_read(node_id):
    for p in registry.get(node_id).params.values():
        if p.reads is not None:
            p.reads(p.default)


def test_the_registry_is_not_empty():
    assert NODES


def test_every_case_file_belongs_to_a_node():
    found = {file.name.removesuffix("_cases.py") for file in FOLDER.glob("*_cases.py")}
    assert found <= set(NODES)
