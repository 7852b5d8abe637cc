"""The error family: what Workbench says when something cannot be done.

Every error has a `code` for programs, which never changes, and a message and a hint for
people, which may. A concrete error stands beside the rule that raises it and is a subclass
of one of the kinds below; the kind decides the HTTP status. Someone else's exception is
turned into one of ours at the one place it comes in by, with `from error`.
"""


class WorkbenchError(Exception):
    """Something could not be done, said so that the reader knows what to do next.

    Args:
        message: What happened, naming the value at fault.
        hint: What to do about it; empty where the message already says so.
        code: A more exact code than the class has, PAI's own where it has one.
    """

    code = "InternalError"
    status = 500
    retry_after_s: int | None = None
    """Seconds after which trying again may help, where that is known."""

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(WorkbenchError):
    """The request itself is wrong; sending it again unchanged would never help."""

    code = "InvalidParameter"
    status = 400


class Unauthenticated(WorkbenchError):
    """Nobody we know sent this: a key, signature or token is missing or wrong."""

    code = "Unauthenticated"
    status = 401


class Forbidden(WorkbenchError):
    """We know who asks, and their role does not allow it."""

    code = "Forbidden"
    status = 403


class NotFound(WorkbenchError):
    """There is no such thing, or the caller may not know of it."""

    code = "NotFound"
    status = 404


class Conflict(WorkbenchError):
    """It cannot be done as things stand now: a name is taken, a state is wrong."""

    code = "Conflict"
    status = 409


class LimitReached(WorkbenchError):
    """A quota or a limit is used up; it may work once something is given back."""

    code = "QuotaExceeded"
    status = 429


class Unavailable(WorkbenchError):
    """Something we depend on does not answer now; trying again later may help."""

    code = "ServiceUnavailable"
    status = 503


class EngineAway(Unavailable):
    """The Docker engine does not answer. Nothing may be concluded about any container."""

    code = "EngineAway"
