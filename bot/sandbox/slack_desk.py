"""What agents do at their desk, each in one call: menus, threads and forms."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox import slack_views
from bot.sandbox.slack_outgoing import Ack
from bot.sandbox.slack_people import SlackPeople
from bot.sandbox.slack_state import Member, View


class SlackDesk(SlackPeople):
    """The people of Slack who work with messages, named as in `SlackPeople`."""

    async def user_selects(self, user: Member | str, channel: str | None, ts: str, menu: str, choice: str) -> Ack:
        """Let a person choose an option (its value or label) of a menu (its action id or placeholder)."""
        return await self.user_clicks(user, channel, ts, menu, choice)

    async def user_picks_person(
        self, user: Member | str, channel: str | None, ts: str, menu: str, chosen: Member | str
    ) -> Ack:
        """Let a person choose somebody from a menu of people."""
        return await self.user_clicks(user, channel, ts, menu, self.member(chosen).id)

    def user_writes(self, user: Member | str, channel: str, thread_ts: str, text: str) -> str:
        """Let a person write in a thread; returns the ts."""
        return self.user_sends(user, channel, text, thread_ts)

    def opened_view(self, user: Member | str) -> View | None:
        """The form in front of a person, if there is one."""
        return next(reversed(self.views(user)), None)

    def user_fills(self, user: Member | str, values: Mapping[str, Any], view: View | None = None) -> None:
        """Let a person fill in fields of the top view (by block or action id) without submitting it."""
        slack_views.enter(view or self._view(self.member(user), None), values)
        self.journal.changed()

    async def user_submits(
        self, user: Member | str, view: View | None = None, values: Mapping[str, Any] | None = None
    ) -> Ack:
        """Let a person fill in the rest of a view, the top one if none is named, and submit it."""
        return await self.user_submits_view(user, values, view.id if view else None)
