"""Declares the sample nodes in a Dask worker: ``dask worker --preload support.dask_nodes``."""

from typing import Any

from support.engine_nodes import declared

_sample = declared()


def dask_setup(worker: Any) -> None:
    _sample.__enter__()
