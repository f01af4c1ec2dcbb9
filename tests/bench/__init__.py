"""Benchmarks: run by hand, one script a question, peers beside us in the same run, losses printed too.

.venv/bin/python -m bench.copy     (from tests/, or with PYTHONPATH=plugin:tests)
"""
