"""What the Slack stand-in remembers: people, channels, posts, views, triggers."""

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

Json = dict[str, Any]

#: seconds for which a trigger id opens a view
TRIGGER_LIFETIME = 3.0
#: seconds and uses after which a response_url is dead
RESPONSE_LIFETIME = 1800.0
RESPONSE_USES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One workspace in which the app is installed."""

    bot_token: str
    team_id: str = "T0SANDBOX"
    name: str = "Sandbox"
    domain: str = "sandbox"
    bot_user_id: str = "U0AFTERCHAT"
    bot_id: str = "B0AFTERCHAT"
    bot_name: str = "afterchat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person of a workspace: `Member(id="U0ANNA", name="anna", real_name="Anna Nowak")`."""

    id: str
    name: str
    real_name: str = ""
    team_id: str = "T0SANDBOX"
    locale: str = "en-US"
    tz: str = "Europe/Warsaw"
    is_bot: bool = False

    def to_json(self) -> Json:
        """Slack's user object."""
        shown = self.real_name or self.name
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": False,
            "real_name": shown,
            "tz": self.tz,
            "tz_offset": 0,
            "profile": {"real_name": shown, "display_name": self.name, "email": f"{self.name}@sandbox.example"},
            "is_bot": self.is_bot,
            "is_app_user": False,
            "locale": self.locale,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that somebody sent: `StoredFile(id="F1", name="label.png", mimetype="image/png", body=b"...")`."""

    id: str
    name: str
    mimetype: str
    body: bytes
    team_id: str = ""
    user: str = ""

    def to_json(self, origin: str) -> Json:
        """Slack's file object; its addresses want the bot's token."""
        address = f"{origin}/files-pri/{self.team_id}-{self.id}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.name,
            "mimetype": self.mimetype,
            "size": len(self.body),
            "user": self.user,
            "mode": "hosted",
            "is_external": False,
            "url_private": f"{address}/{quote(self.name)}",
            "url_private_download": f"{address}/download/{quote(self.name)}",
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Post:
    """One message of a channel, as it is now; `thread_ts` is its parent's ts, or its own once it has replies."""

    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    #: set on what a bot posted
    bot_id: str | None = None
    app_id: str | None = None
    team_id: str = ""
    edited: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    #: Slack's file objects of what came with it
    files: list[Json] = field(default_factory=list)
    #: only this user sees it
    visible_to: str | None = None

    def to_json(self) -> Json:
        """Slack's message object."""
        fields: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "team": self.team_id}
        if self.bot_id:
            fields |= {"bot_id": self.bot_id, "app_id": self.app_id}
        if self.blocks:
            fields["blocks"] = self.blocks
        if self.thread_ts:
            fields["thread_ts"] = self.thread_ts
        if self.replies:
            fields |= {"thread_ts": self.ts, "reply_count": len(self.replies), "latest_reply": self.replies[-1]}
        if self.files:
            fields |= {"files": self.files, "upload": False}
        if self.edited:
            fields["edited"] = self.edited
        if self.reactions:
            fields["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return fields


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """A channel or a direct message of one person with the bot."""

    id: str
    name: str
    team_id: str
    kind: Literal["channel", "group", "im"] = "channel"
    #: the person of a direct message
    user: str | None = None
    members: set[str] = field(default_factory=set)
    archived: bool = False
    posts: OrderedDict[str, Post] = field(default_factory=OrderedDict)
    ephemerals: list[Post] = field(default_factory=list)

    def to_json(self) -> Json:
        """Slack's conversation object."""
        common = {"id": self.id, "is_archived": self.archived, "is_im": self.kind == "im", "is_mpim": False}
        if self.kind == "im":
            return {**common, "user": self.user, "is_channel": False, "is_group": False}
        return {
            **common,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_private": self.kind == "group",
            "num_members": len(self.members),
        }


@dataclass(slots=True, kw_only=True, eq=False)
class View:
    """A modal in front of a person, or their App Home."""

    id: str
    user: str
    team_id: str
    #: type, title, blocks, callback_id, private_metadata and the like, as the app gave them
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    #: what the app says of the fields, by block id
    errors: dict[str, str] = field(default_factory=dict)
    #: what is in the fields, by block and action id: what the person entered, else what they began with
    entered: dict[tuple[str, str], Json] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Trigger:
    """The right to open one view for a person, for three seconds."""

    user: str
    team_id: str
    at: float
    view_id: str | None = None
    used: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class ResponseUrl:
    """The right to answer in a channel where a person did something."""

    channel: Channel
    user: str
    workspace: Workspace
    at: float
    #: the message that was acted upon
    post: Post | None = None
    uses: int = 0


class SlackWorld:
    """All that the stand-in knows; ids count up from fixed numbers, so that runs repeat."""

    def __init__(
        self, workspaces: Iterable[Workspace], app_id: str, clock: Callable[[], float], keep_posts: int
    ) -> None:
        self.app_id = app_id
        self.clock = clock
        self.keep_posts = keep_posts
        self.by_token: dict[str, Workspace] = {}
        self.by_team: dict[str, Workspace] = {}
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {}
        self.names: dict[tuple[str, str], Channel] = {}
        self.directs: dict[str, Channel] = {}
        self.views: OrderedDict[str, View] = OrderedDict()
        self.homes: dict[str, View] = {}
        self.triggers: OrderedDict[str, Trigger] = OrderedDict()
        self.urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, StoredFile] = {}
        #: where the stand-in is reached, for addresses in what it tells
        self.origin = ""
        self._ids = itertools.count(1)
        self._last_ts = 0
        self.install(workspaces)

    def install(self, workspaces: Iterable[Workspace]) -> None:
        """Install the app in workspaces."""
        for workspace in workspaces:
            self.by_token[workspace.bot_token] = self.by_team[workspace.team_id] = workspace
            bot_id, name = workspace.bot_user_id, workspace.bot_name
            self.members[bot_id] = Member(id=bot_id, name=name, team_id=workspace.team_id, is_bot=True)

    def next_id(self, prefix: str) -> str:
        """A new id: `next_id("V")` is "V0000000001"."""
        return f"{prefix}{next(self._ids):010d}"

    def next_ts(self) -> str:
        """The ts of the next message: seconds and a number that never repeats."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def channel(self, channel_id: str, name: str, team_id: str, members: Iterable[str]) -> Channel:
        """Make a public channel."""
        channel = Channel(id=channel_id, name=name, team_id=team_id, members=set(members))
        self.channels[channel_id] = self.names[team_id, name] = channel
        return channel

    def direct(self, user: str) -> Channel:
        """The direct messages of a person and the bot of their workspace."""
        channel = self.directs.get(user)
        if channel is None:
            team_id = self.members[user].team_id
            both = {user, self.by_team[team_id].bot_user_id}
            channel = Channel(
                id=self.next_id("D"), name="directmessage", team_id=team_id, kind="im", user=user, members=both
            )
            self.channels[channel.id] = self.directs[user] = channel
        return channel

    def add(self, channel: Channel, post: Post) -> Post:
        """Show one more post, in its thread if it has one."""
        channel.posts[post.ts] = post
        if post.thread_ts and (parent := channel.posts.get(post.thread_ts)) and parent is not post:
            parent.replies.append(post.ts)
        if len(channel.posts) > self.keep_posts:
            channel.posts.popitem(last=False)
        return post

    def trigger(self, user: str, view_id: str | None = None) -> str:
        """A new trigger id for a person."""
        member = self.members[user]
        trigger_id = f"{self.next_id('')}.{member.team_id.lower()}.sandbox"
        self.triggers[trigger_id] = Trigger(user=user, team_id=member.team_id, at=self.clock(), view_id=view_id)
        if len(self.triggers) > 1000:
            self.triggers.popitem(last=False)
        return trigger_id

    def stack(self, user: str) -> list[View]:
        """The modals in front of a person, the top one last."""
        return [view for view in self.views.values() if view.user == user]
