"""What can go wrong, and whether trying again would help."""

from dataclasses import dataclass


class AfterchatError(Exception):
    """Every error that this program raises on purpose; its text is meant for a person."""


class ConfigError(AfterchatError):
    """The configuration cannot be used; the text lists each problem on a line of its own."""


class StoreUnavailable(AfterchatError):
    """The database did not answer; nothing was kept, and the sender should try again."""


class StoreContended(StoreUnavailable):
    """The database is well, but each try to decide this step met what others had written; nothing was kept.

    Trying again may help, unless what is to be written can never stand beside what is there.
    """


class StoreRefused(AfterchatError):
    """The database will never take these values; nothing was kept, and trying again would not help."""


@dataclass(eq=False, kw_only=True)
class SendFailed(AfterchatError):
    """A channel could not hand a message over.

    Not frozen: a frozen dataclass as an exception fails when it crosses a context manager.
    """

    #: what the service said, fit for a log line: no secrets, no customer's words
    reason: str
    #: whether the same message may succeed later
    retryable: bool
    #: seconds that the service asked us to wait
    retry_after: float | None = None
    #: the person blocked us, left or was deleted: nothing sent there will ever arrive
    recipient_gone: bool = False
    #: the service may have accepted the message although no answer came back
    maybe_delivered: bool = False
    #: the trouble is the whole channel's (bad token, rate limit of all chats), not this recipient's
    whole_channel: bool = False
    #: the trouble is this room's (missing, archived, the bot was not invited), not the message's: others of it wait too
    whole_room: bool = False
    #: the service answered, and its answer is about this message alone: the channel works
    of_message: bool = False

    def __str__(self) -> str:
        return self.reason
