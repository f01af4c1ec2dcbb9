"""Putting the OFX bundle where hosts look for it, taking it away, and finding out why one does not show it."""
