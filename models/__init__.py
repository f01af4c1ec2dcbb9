"""Networks: how they are built, trained, exported and judged. Nothing under ``plugin/`` imports this package."""
