"""Why somebody is not let in, with the codes that PAI's clients know."""

from __future__ import annotations

from datetime import datetime

from workbench.errors import Forbidden, Unauthenticated


class NoCredentials(Unauthenticated):
    """A request without a signature or token, from where nobody is known without one."""

    code = "MissingAccessKeyId"

    def __init__(self) -> None:
        super().__init__(
            "The request is not signed.",
            hint="`workbench env` prints the settings that your programs need.",
        )


class NotAUser(Unauthenticated):
    """A process on this machine whose Unix user is nobody here."""

    def __init__(self, unix_uid: int) -> None:
        super().__init__(
            f"The Unix user {unix_uid} is not a user of this Workbench.",
            hint=f"Its owner can add one: `workbench user add NAME --uid {unix_uid}`.",
        )


class UnknownAccessKey(Unauthenticated):
    """No access key has this id."""

    code = "InvalidAccessKeyId.NotFound"
    status = 404

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"There is no access key {access_key_id!r}.", hint="It may have been deleted.")


class AccessKeyDisabled(Unauthenticated):
    """The signature is right, but the key was disabled."""

    code = "InvalidAccessKeyId.Inactive"
    status = 400

    def __init__(self, access_key_id: str) -> None:
        super().__init__(
            f"The access key {access_key_id} is disabled.",
            hint="`workbench accesskey enable` makes it work again.",
        )


class SignatureDoesNotMatch(Unauthenticated):
    """The request was not signed with the key's secret, or was changed on its way."""

    code = "SignatureDoesNotMatch"
    status = 400

    def __init__(self, access_key_id: str) -> None:
        super().__init__(
            f"The signature with {access_key_id} does not fit the request.", hint="Check the key's secret."
        )


class TimeStampExpired(Unauthenticated):
    """Signed too long ago, or by a clock that is wrong."""

    code = "InvalidTimeStamp.Expired"
    status = 400

    def __init__(self, signed_at: datetime, limit: datetime, *, forgotten: bool = False) -> None:
        what = "before what is remembered, from" if forgotten else "too far from"
        super().__init__(
            f"The request was signed at {signed_at:%Y-%m-%d %H:%M:%S} UTC, {what} {limit:%H:%M:%S}.",
            hint="Sign it anew, and set the clock of the machine that sent it."
            if forgotten
            else "Set the clock of the machine that sent it.",
        )


class NonceUsed(Unauthenticated):
    """The very same request came before."""

    code = "SignatureNonceUsed"
    status = 400

    def __init__(self, nonce: str) -> None:
        super().__init__(f"The nonce {nonce!r} was used before.", hint="Sign each request anew.")


class InvalidToken(Unauthenticated):
    """No bearer token like this one, or its time is over."""

    code = "InvalidBearerToken"

    def __init__(self) -> None:
        super().__init__(
            "The token is unknown or its time is over.", hint="`workbench token create` makes a new one."
        )


class UserDisabled(Forbidden):
    """We know who it is; the machine's owner shut them out."""

    code = "UserDisabled"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The user {name} is disabled.",
            hint="The machine's owner can enable it again, or add it anew if it was removed.",
        )
