"""Graphs worked on frames: windows, colour hops, analysis, the batch pipeline, and the record of what was done."""
