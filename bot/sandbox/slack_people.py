"""What people do on Slack and what they see: the part of the stand-in that tests and the page play."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bot.sandbox import slack_payloads, slack_views
from bot.sandbox.journal import Call, Journal
from bot.sandbox.slack_blocks import STATEFUL
from bot.sandbox.slack_methods import Declined
from bot.sandbox.slack_outgoing import Ack, Deliveries, Kind, Outgoing
from bot.sandbox.slack_responses import answer, submitted, typed_blocks
from bot.sandbox.slack_state import Channel, Json, Member, Post, ResponseUrl, SlackWorld, StoredFile, View
from bot.sandbox.slack_text import escaped

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What Slack's own client tells a person when the app did not answer: `Trouble(user=..., error="http_timeout")`."""

    user: str
    what: str
    error: str
    ts: str


class SlackPeople:
    """The people of Slack; a channel is named by id or "#name", and None is the person's direct messages."""

    def __init__(self, world: SlackWorld, journal: Journal, deliveries: Deliveries, *, echoes: bool) -> None:
        self.world = world
        self.journal = journal
        self.deliveries = deliveries
        self.troubles: list[Trouble] = []
        self._echoes = echoes
        self._origin = ""

    # places and people

    def member(self, member: Member | str) -> Member:
        """Make a person known; a known id is returned as it is."""
        if isinstance(member, Member):
            return self.world.members.setdefault(member.id, member)
        known = self.world.members.get(member)
        if known is None:
            team_id = next(iter(self.world.by_team))
            known = self.world.members[member] = Member(id=member, name=member.lower(), team_id=team_id)
        return known

    def channel(
        self, name: str, members: Iterable[Member | str] = (), *, team_id: str | None = None, with_bot: bool = True
    ) -> Channel:
        """Make a public channel, or add people to it; the bot is in it unless told otherwise."""
        workspace = self.world.by_team[team_id or next(iter(self.world.by_team))]
        people = {self.member(member).id for member in members} | ({workspace.bot_user_id} if with_bot else set())
        known = self.world.names.get((workspace.team_id, name))
        if known is None:
            return self.world.channel(self.world.next_id("C"), name, workspace.team_id, people)
        known.members |= people
        return known

    def direct(self, user: Member | str) -> Channel:
        """The direct messages of a person and the bot."""
        return self.world.direct(self.member(user).id)

    # what they do

    def user_sends(
        self,
        user: Member | str,
        channel: str | None,
        text: str,
        thread_ts: str | None = None,
        files: Iterable[StoredFile] = (),
    ) -> str:
        """Let a person write, as they type it, and send files; returns the ts. `@afterchat` mentions the bot."""
        person, where = self._place(user, channel)
        workspace = self.world.by_team[person.team_id]
        raw = re.sub(r"https?://[^\s<>|]+", lambda url: f"<{url[0]}>", escaped(text))
        raw = raw.replace(f"@{workspace.bot_name}", f"<@{workspace.bot_user_id}>")
        post = Post(
            ts=self.world.next_ts(),
            user=person.id,
            text=raw,
            blocks=typed_blocks(self.world, text) if text else [],
            thread_ts=thread_ts,
            team_id=person.team_id,
            files=[self._keep(file, person) for file in files],
        )
        self.world.add(where, post)
        client_msg_id = f"00000000-0000-4000-8000-{post.ts.replace('.', '')[-12:]}"
        shared = {"subtype": "file_share"} if post.files else {}
        self._message(where, {**post.to_json(), **shared, "client_msg_id": client_msg_id})
        if f"<@{workspace.bot_user_id}>" in raw and where.kind != "im":
            mention = {**post.to_json(), "type": "app_mention", "channel": where.id, "event_ts": post.ts}
            self._event(where.team_id, mention, where.id)
        self.journal.changed()
        return post.ts

    def user_edits(self, user: Member | str, channel: str | None, ts: str, text: str) -> None:
        """Let a person change a message of theirs."""
        person, where = self._place(user, channel)
        post = where.posts[ts]
        before = post.to_json()
        post.text, post.blocks = escaped(text), typed_blocks(self.world, text)
        post.edited = {"user": person.id, "ts": self.world.next_ts()}
        changed = {"subtype": "message_changed", "message": post.to_json(), "previous_message": before}
        self._message(where, changed)
        self.journal.changed()

    def user_opens_home(self, user: Member | str) -> None:
        """Let a person open the app's home tab."""
        person, where = self._place(user, None)
        event = {"type": "app_home_opened", "user": person.id, "channel": where.id, "tab": "home"}
        self._event(person.team_id, {**event, "event_ts": self.world.next_ts()}, where.id)

    async def user_clicks(
        self, user: Member | str, channel: str | None, ts: str, button: str, value: str | None = None
    ) -> Ack:
        """Let a person use a button or menu of a message, named by action id or label; LookupError if not there.

        Buttons of ephemerals are found by their ts too; `value` picks a menu's option.
        """
        person, where = self._place(user, channel)
        post = where.posts.get(ts) or next((one for one in where.ephemerals if one.ts == ts), None)
        if post is None:
            raise LookupError(f"no message {ts} in {where.name}")
        block, element = slack_payloads.find_element(post.blocks, button)
        done = slack_payloads.action(block, element, value, self.world.next_ts())
        payload = {
            **slack_payloads.interaction(self.world, "block_actions", person, self.world.trigger(person.id)),
            **slack_payloads.on_message(where, post),
            "response_url": self._response_url(where, person, "actions", post),
            "actions": [done],
        }
        return await self._interact("interactivity", payload, person, where.id, button)

    async def user_clicks_in_view(
        self, user: Member | str, button: str, value: str | None = None, view_id: str | None = None
    ) -> Ack:
        """Let a person use a button or menu of the top view, or of their App Home."""
        person = self.member(user)
        view = self._view(person, view_id)
        block, element = slack_payloads.find_element(view.body["blocks"], button)
        if element["type"] in STATEFUL:
            slack_views.enter(view, {block["block_id"]: value})
        done = slack_payloads.action(block, element, value, self.world.next_ts())
        payload = {
            **slack_payloads.interaction(self.world, "block_actions", person, self.world.trigger(person.id, view.id)),
            "container": {"type": "view", "view_id": view.id},
            "view": slack_views.to_json(self.world, view),
            "actions": [done],
        }
        return await self._interact("interactivity", payload, person, person.id, button)

    async def user_commands(self, user: Member | str, channel: str | None, command: str, text: str = "") -> Ack:
        """Let a person send a slash command; what acknowledges it may be shown to them."""
        person, where = self._place(user, channel)
        workspace = self.world.by_team[person.team_id]
        fields = slack_payloads.command(self.world, workspace, where, person, command, text)
        fields["trigger_id"] = self.world.trigger(person.id)
        url = fields["response_url"] = self._response_url(where, person, "commands", None)
        ack = await self._interact("commands", fields, person, where.id, command)
        if ack.good and ack.body:
            self._show(self.world.urls[url.rpartition("/")[2]], ack.body, person, command)
        return ack

    async def user_submits_view(
        self, user: Member | str, values: Mapping[str, Any] | None = None, view_id: str | None = None
    ) -> Ack:
        """Let a person fill in the top view (values by block or action id) and submit it.

        Missing required fields never reach the app: the view shows them, and the Ack's reason is "incomplete".
        """
        person = self.member(user)
        view = self._view(person, view_id)
        state = slack_views.enter(view, values or {})
        view.errors = slack_views.missing(view, state)
        if view.errors:
            self.journal.changed()
            return Ack(status=0, reason="incomplete", final=True)
        payload = {
            **slack_payloads.interaction(self.world, "view_submission", person, self.world.trigger(person.id, view.id)),
            "view": slack_views.to_json(self.world, view, state),
            "response_urls": [],
        }
        ack = await self._interact("interactivity", payload, person, person.id, "submit")
        if ack.good:
            try:
                submitted(self.world, view, ack.body)
            except Declined as refusal:
                self._trouble(person, "submit", refusal.error)
        self.journal.changed()
        return ack

    async def user_closes_view(self, user: Member | str, view_id: str | None = None) -> Ack:
        """Let a person close the top view; the app hears of it if the view asked for that."""
        person = self.member(user)
        view = self._view(person, view_id)
        self.world.views.pop(view.id, None)
        self.journal.changed()
        if not view.body.get("notify_on_close"):
            return Ack(status=0)
        payload = {
            **slack_payloads.interaction(self.world, "view_closed", person, ""),
            "view": slack_views.to_json(self.world, view),
            "is_cleared": False,
        }
        return await self._interact("interactivity", payload, person, person.id, "close")

    async def user_shortcut(
        self, user: Member | str, callback_id: str, channel: str | None = None, ts: str | None = None
    ) -> Ack:
        """Let a person use a shortcut: a global one, or with `ts` one of a message."""
        person, where = self._place(user, channel)
        kind = "shortcut" if ts is None else "message_action"
        payload = {
            **slack_payloads.interaction(self.world, kind, person, self.world.trigger(person.id)),
            "callback_id": callback_id,
            "action_ts": self.world.next_ts(),
        }
        if ts is not None:
            payload |= {
                "channel": {"id": where.id, "name": where.name},
                "message_ts": ts,
                "message": where.posts[ts].to_json(),
                "response_url": self._response_url(where, person, "app", where.posts[ts]),
            }
        return await self._interact("interactivity", payload, person, where.id, callback_id)

    # anything else that may reach the app

    def inject_event(self, event: Json, *, team_id: str | None = None, envelope: Json | None = None) -> str:
        """Send any event; `envelope` overrides fields around it. Returns the event id."""
        team = team_id or next(iter(self.world.by_team))
        payload = {**slack_payloads.event_callback(self.world, team, event), **(envelope or {})}
        self.deliveries.event(Outgoing(kind="events", payload=payload, lane=str(event.get("channel", ""))))
        return str(payload["event_id"])

    async def inject(self, kind: Kind, payload: Json) -> Ack:
        """Send any body once, as it is, and wait for the answer."""
        return await self.deliveries.interaction(Outgoing(kind=kind, payload=payload, lane=""))

    # what they see, and what tests ask

    def messages(self, channel: str) -> list[Post]:
        """What a channel shows to everybody, oldest first, replies in threads too."""
        return list(self._channel(channel).posts.values())

    def thread(self, channel: str, ts: str) -> list[Post]:
        """The replies to a message."""
        posts = self._channel(channel).posts
        return [posts[reply] for reply in posts[ts].replies if reply in posts]

    def ephemerals(self, user: Member | str, channel: str | None = None) -> list[Post]:
        """What only this person sees, everywhere or in one channel."""
        places = self.world.channels.values() if channel is None else [self._channel(channel)]
        wanted = self.member(user).id
        return [post for place in places for post in place.ephemerals if post.visible_to == wanted]

    def views(self, user: Member | str) -> list[View]:
        """The modals in front of a person, the top one last."""
        return self.world.stack(self.member(user).id)

    @property
    def calls(self) -> list[Call]:
        """Every request received, in order."""
        return list(self.journal.calls)

    async def wait_for(self, found: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until `found()` is true and return it."""
        return await self.journal.wait_for(found, timeout)

    async def settled(self, timeout: float = 5.0) -> None:
        """Wait until every event was taken or given up."""
        await self.wait_for(lambda: not self.deliveries.under_way, timeout)

    # inside

    def _keep(self, file: StoredFile, person: Member) -> Json:
        kept = replace(file, team_id=person.team_id, user=person.id)
        self.world.files[file.id] = kept
        return kept.to_json(self.world.origin)

    def _channel(self, channel: str) -> Channel:
        found = self.world.channels.get(channel)
        if found is None:
            name = channel.removeprefix("#")
            found = next((one for (_, known), one in self.world.names.items() if known == name), None)
        if found is None:
            raise LookupError(f"no channel {channel}")
        return found

    def _place(self, user: Member | str, channel: str | None) -> tuple[Member, Channel]:
        person = self.member(user)
        return person, self.world.direct(person.id) if channel is None else self._channel(channel)

    def _view(self, person: Member, view_id: str | None) -> View:
        home = self.world.homes.get(person.id)
        if view_id is not None:
            found = self.world.views.get(view_id) or (home if home and home.id == view_id else None)
            if found is None:
                raise LookupError(f"no view {view_id}")
            return found
        stack = self.world.stack(person.id)
        if not stack and home is None:
            raise LookupError(f"no view is in front of {person.name}")
        return stack[-1] if stack else home  # type: ignore[return-value]

    def happened(self, channel: Channel, message: Json) -> None:
        """Tell the app of what its own bot did to a message, as real Slack does."""
        if self._echoes:
            self._message(channel, message)

    def _message(self, channel: Channel, message: Json) -> None:
        if self.world.by_team[channel.team_id].bot_user_id in channel.members:
            event = slack_payloads.message_event(channel, message, self.world.next_ts())
            self._event(channel.team_id, event, channel.id)

    def _event(self, team_id: str, event: Json, lane: str) -> None:
        payload = slack_payloads.event_callback(self.world, team_id, event)
        self.deliveries.event(Outgoing(kind="events", payload=payload, lane=lane))

    def _response_url(self, channel: Channel, person: Member, kind: str, post: Post | None) -> str:
        url_id = self.world.next_id("")
        workspace = self.world.by_team[person.team_id]
        self.world.urls[url_id] = ResponseUrl(
            channel=channel, user=person.id, workspace=workspace, at=self.world.clock(), post=post
        )
        return f"{self._origin}/{kind}/{person.team_id}/{url_id}"

    def _show(self, url: ResponseUrl, body: Json, person: Member, what: str) -> None:
        try:
            answer(self.world, url, body, self.happened)
        except Declined as refusal:
            self._trouble(person, what, refusal.error)
        self.journal.changed()

    async def _interact(self, kind: Kind, payload: Json, person: Member, lane: str, what: str) -> Ack:
        ack = await self.deliveries.interaction(Outgoing(kind=kind, payload=payload, lane=lane))
        if not ack.good:
            self._trouble(person, what, ack.reason)
        return ack

    def _trouble(self, person: Member, what: str, error: str) -> None:
        self.troubles.append(Trouble(user=person.id, what=what, error=error, ts=self.world.next_ts()))
        self.journal.changed()
