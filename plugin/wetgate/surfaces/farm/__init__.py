"""A render in chunks on many machines: job files for render managers, what their tasks call, and the Dask engine."""
