"""LiveAgent: the action "HTTP request" of a rule, with the body that the documentation gives. It signs nothing."""

from collections.abc import Sequence

from bot.config import TriggerSettings
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.tellings import Telling
from bot.triggers.templates import read_template


def _read(event: Node, _delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    return [read_template(event, settings, None)]


LIVEAGENT = Helpdesk(read=_read, template=True)
