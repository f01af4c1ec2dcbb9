"""Pure image maths, arrays in and arrays out: noise, blur, warp, resampling, motion, and measures of pictures.

Each subject is imported from its own module (``wetgate.ops.random``, ``.noise``, ``.blur``, ``.warp``, ``.resize``,
``.flow``, ``.metrics``, ``.metrics_temporal``, ``.metrics_grain``, ``.noise_measure``).
"""
