"""What operators are told of their settings in Slack: one message for each time that they are broken. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from bot.config import OpsSettings, Problem, Settings
from bot.delivery.attempts import OPS_LANE
from bot.ids import Ids
from bot.languages import formats
from bot.messages import Address, Outbound, OutboundKind, Text
from bot.storage.notices import Notice, Tell

#: A process that comes late to what others have mended already tells it in their message, for so long.
LATE = timedelta(minutes=10)
#: so many problems are shown; all of them are in the log and on the dashboard
SHOWN = 10
#: no message of Slack's is longer
_LONGEST = 2_900


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What a message needs: the settings in force, which say where to, the time, and ids for new messages."""

    settings: Settings
    now: datetime
    ids: Ids


def broken(digest: str, file: str, problems: Sequence[Problem], since: datetime, moment: Moment) -> Tell:
    """Tell that files cannot be used, where nobody told it; ``since`` is when the settings in force began to be."""

    def tell(before: Notice | None) -> tuple[Notice, Outbound | None] | None:
        if before is not None and before.state == "broken" and before.digest == digest:
            return None
        slot = _message_of(before, digest, moment.now)
        text = broken_text(file, problems, since, moment.settings)
        outbound = _outbound("edit" if slot else "post", slot or f"ops:{moment.ids()}", text, moment.settings)
        kept = "" if outbound is None else outbound.slot
        return Notice(slot=kept, state="broken", digest=digest, at=moment.now), outbound

    return tell


def _message_of(before: Notice | None, digest: str, now: datetime) -> str:
    """The slot of the message that tells of this already; empty where there is none."""
    if before is None:
        return ""
    late = before.digest == digest and now - before.at < LATE
    return before.slot if before.state == "broken" or late else ""


def mended(changed: str, moment: Moment) -> Tell:
    """Tell in the message of what was broken that it is in order again; ``changed`` says what is live now, if any."""

    def tell(before: Notice | None) -> tuple[Notice, Outbound | None] | None:
        if before is None or before.state == "well":
            return None
        voice = moment.settings.agents_voice()
        text = voice.say("ops.mended")
        if changed:
            text = f"{text}\n{voice.say('ops.live', changes=changed)}"
        notice = replace(before, state="well", at=moment.now)
        return notice, _outbound("edit", before.slot, text, moment.settings) if before.slot else None

    return tell


def restart(keys: Sequence[str], moment: Moment) -> Tell:
    """Tell once which changes wait for the next start; a later start tells nothing, and forgets them."""
    digest = blake2b("\n".join(keys).encode(), digest_size=16).hexdigest() if keys else ""

    def tell(before: Notice | None) -> tuple[Notice, Outbound | None] | None:
        if (before.digest if before else "") == digest:
            return None
        slot = f"ops:{moment.ids()}"
        notice = Notice(slot=slot, state="well", digest=digest, at=moment.now)
        text = moment.settings.agents_voice().say("ops.restart", keys=", ".join(keys))
        return notice, _outbound("post", slot, text, moment.settings) if keys else None

    return tell


def broken_text(file: str, problems: Sequence[Problem], since: datetime, settings: Settings) -> str:
    """What is wrong, and that all goes on as it was."""
    voice = settings.agents_voice()
    lines = [
        voice.say("ops.broken", file=file, at=formats.moment(since, settings.asking.time_zone, voice.locale)),
        voice.say("ops.problems", n=len(problems)),
        *(f"• {problem}" for problem in problems[:SHOWN]),
    ]
    if len(problems) > SHOWN:
        lines.append("…")
    return "\n".join(lines)


def _outbound(kind: OutboundKind, slot: str, text: str, settings: Settings) -> Outbound | None:
    ops: OpsSettings | None = settings.ops
    if ops is None:
        return None
    content = Text(text=text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…", locale=settings.agents_voice().locale)
    return Outbound(kind=kind, to=Address(channel=ops.channel, key=ops.room), lane=OPS_LANE, slot=slot, content=content)
