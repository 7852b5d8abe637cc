"""The certificate that the one port speaks TLS with, as HAProxy wants it: one file with all of it."""

from __future__ import annotations

import ssl
from pathlib import Path

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


def _refuse_to_ask() -> str:
    raise ValueError("the key has a passphrase")
