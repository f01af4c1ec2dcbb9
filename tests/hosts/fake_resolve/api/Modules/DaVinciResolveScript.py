"""Stands where Resolve's own module does, and leads to the fake."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
from hosts.fake_resolve.objects import scriptapp

__all__ = ["scriptapp"]
