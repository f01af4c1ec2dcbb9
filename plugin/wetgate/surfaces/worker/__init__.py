"""The render process that the OFX shim talks to; ``ofx_bridge/PROTOCOL.md`` says what both ends send."""
