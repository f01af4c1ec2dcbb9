"""Putting the OFX bundle and Nuke's scripts where hosts look, taking them away, and finding out what is wrong."""
