"""The command line, ``wetgate``."""
