"""The certificate that the one port speaks TLS with, as HAProxy wants it: one file with all of it."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from workbench.settings import BadSetting, Settings


def combined(settings: Settings) -> str:
    """The certificate, those between it and the root, and its key; empty where none is configured.

    Raises:
        BadSetting: A file cannot be read, or the key is not the certificate's.
    """
    if not settings.tls:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_certificate, settings.tls_key, password=_refuse_to_ask
        )
        return "\n".join(Path(each).read_text() for each in (settings.tls_certificate, settings.tls_key))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BadSetting(
            f"tls_certificate {settings.tls_certificate} and tls_key {settings.tls_key} cannot be used:"
            f" {error}.",
            hint="Both are PEM files, the key without a passphrase and of this certificate.",
        ) from error


def stamp(settings: Settings) -> tuple[object, ...]:
    """What the two files are told by: changed or replaced ones have another."""
    return tuple(_stamp(Path(each)) for each in (settings.tls_certificate, settings.tls_key) if each)


def ends_at(settings: Settings) -> datetime | None:
    """When the certificate's time is over; None where there is none that can be used."""
    try:
        text = combined(settings)
        return x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc if text else None
    except (BadSetting, ValueError):
        return None


def _stamp(path: Path) -> object:
    try:
        seen = path.stat()
    except OSError as error:
        return error.errno
    return seen.st_mtime_ns, seen.st_ino, seen.st_size


def _refuse_to_ask() -> str:
    raise ValueError("the key has a passphrase")
