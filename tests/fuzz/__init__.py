"""Fuzzing of the protocol between the OFX shim and the render worker, from both ends: ``bootstrap.py fuzz``."""
