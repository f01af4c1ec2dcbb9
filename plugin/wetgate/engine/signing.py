"""Ed25519 signatures over records (RFC 8032), with keys in PEM files (RFC 8410)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wetgate.engine.record import canonical
from wetgate.spec import UsageError

ALGORITHM = "Ed25519"


def sign(record: Mapping[str, Any], key_file: str | Path) -> dict[str, Any]:
    """The record with a ``signature`` entry over its canonical JSON.

    ``key_file`` is an unencrypted PEM private key, as ``openssl genpkey -algorithm ed25519 -out key.pem`` makes it.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    path = Path(key_file)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"the signing key {path} cannot be used: {error}",
            where="--sign",
            remedy="make one with: openssl genpkey -algorithm ed25519 -out key.pem",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"the signing key {path} is not an Ed25519 key", where="--sign", allowed=ALGORITHM)
    body = {name: value for name, value in record.items() if name != "signature"}
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return body | {
        "signature": {
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(public).decode(),
            "value": base64.b64encode(key.sign(canonical(body).encode())).decode(),
        }
    }


def demand_usable_key(key_file: str | Path) -> None:
    """Raise :class:`UsageError` now rather than after the last frame."""
    sign({}, key_file)


def check(record: Mapping[str, Any]) -> str | None:
    """The signer's public key (base64) if the signature holds, None if the record has none.

    Raises :class:`UsageError` where the signature does not fit the record.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = record.get("signature")
    if signature is None:
        return None
    body = {name: value for name, value in record.items() if name != "signature"}
    try:
        public = str(signature["public_key"])
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(str(signature["value"]), validate=True), canonical(body).encode())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise UsageError("the signature does not fit the record: one of them was changed") from None
    return public
