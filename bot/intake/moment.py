"""What every decision is given beside the facts: the settings in force, the time, and a source of new ids."""

from datetime import datetime

import msgspec

from bot.config import FollowUpSettings, Settings
from bot.followup.cases import Case
from bot.followup.clocks import Team
from bot.ids import Ids
from bot.languages.voice import Voice
from bot.messages import Address, ChannelName

#: what holds for cases where the settings name no desk: they are worked by the API alone
_NO_DESK = FollowUpSettings(channel=ChannelName(""), room="")


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force, the time, and a source of new ids."""

    settings: Settings
    now: datetime
    ids: Ids

    @property
    def followup(self) -> FollowUpSettings:
        return self.settings.followup or _NO_DESK

    @property
    def agents_speak(self) -> str:
        """The language of the agents."""
        return self.voice.locale

    @property
    def voice(self) -> Voice:
        """How the program speaks to the agents."""
        return self.settings.agents_voice()

    def desk(self, room: str = "") -> Address | None:
        """Where alerts go: to a rule's own room, or where the settings say for all."""
        followup = self.settings.followup
        return None if followup is None else Address(channel=followup.channel, key=room or followup.room)

    def team(self, case: Case) -> Team | None:
        """The team that works a case; the one of all cases where the settings no longer know it."""
        teams = {team.name: team for team in self.settings.followup.teams} if self.settings.followup else {}
        return teams.get(case.team) or teams.get(self.followup.team)
