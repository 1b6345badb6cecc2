"""Every helpdesk by its name in the config. A new one is its module, and one line here."""

from collections.abc import Mapping

from bot.config import TriggerKindName
from bot.triggers.chatwoot import CHATWOOT
from bot.triggers.freshdesk import FRESHDESK
from bot.triggers.front import FRONT
from bot.triggers.generic import GENERIC
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.intercom import INTERCOM
from bot.triggers.liveagent import LIVEAGENT
from bot.triggers.rocketchat import ROCKETCHAT
from bot.triggers.zammad import ZAMMAD
from bot.triggers.zendesk import ZENDESK

HELPDESKS: Mapping[TriggerKindName, Helpdesk] = {
    "chatwoot": CHATWOOT,
    "zendesk": ZENDESK,
    "intercom": INTERCOM,
    "freshdesk": FRESHDESK,
    "liveagent": LIVEAGENT,
    "zammad": ZAMMAD,
    "front": FRONT,
    "rocketchat": ROCKETCHAT,
    "generic": GENERIC,
}
