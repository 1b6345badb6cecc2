"""Whatever customers, agents, networks and clocks do in whatever order, what is kept stays consistent."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from bot.config import FollowUpSettings, Settings
from bot.conversations.answers import Chosen, Scored, Skipped, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import Rating, scale_of
from bot.followup.cases import CLOSED, Case, CaseNote, NoteKind, is_unhappy, listens
from bot.followup.clocks import Team
from bot.followup.incidents import IncidentRules
from bot.followup.routing import RoutingRule
from bot.ids import CaseId, WordsId
from bot.intake.moment import Moment
from bot.intake.settling import wanted_dues
from bot.messages import (
    TOKEN_BYTES,
    Address,
    AlertOf,
    Assign,
    ChannelName,
    Claim,
    Commanded,
    Deed,
    Inbound,
    IncidentOf,
    Left,
    NotDelivered,
    Relay,
    Release,
    Reopen,
    Resolve,
    Returned,
    Snooze,
    Wrote,
)
from bot.ports import KeepWords, Outcome, Read, SaveAnswer, Words
from tests.fakes.pure_store import bucket_of
from tests.intake.world import AGENTS, ANN, BEN, DESK, SETTINGS, START, World, buttons_of

CAT = Address(channel=ChannelName("slack"), key="U9")
PEOPLE = st.sampled_from((ANN, BEN, CAT))
TEXTS = st.sampled_from(
    (
        "", "0", "1", "2", "5", "10", "-5", "3.7", "1, 3", "skip", "stop", "START", "feedback", "yes", "no",
        "2, too slow", "4 - fine", "Not yet", "no, it still crashes", "Slow reply",
        "Where is my parcel?", "\x00<b>\u202e",
    )
)  # fmt: skip


#: incidents of two already, and somebody to escalate to
FOLLOWUP = FollowUpSettings(
    channel=DESK.channel,
    room=DESK.key,
    incidents=IncidentRules(cause=2, agent=2),
    teams=(Team(name="support", lead="U9", room="#leads"),),
    rules=(RoutingRule(id="parcel", words=("parcel",), room="#parcels", priority="urgent"),),
)
SHOP = replace(SETTINGS, followup=FOLLOWUP)
DEEDS: tuple[Deed, ...] = (
    Claim(),
    Release(),
    Assign(to=AGENTS[1], to_name="Nam"),
    Relay(text="We are sorry"),
    Relay(text=" "),
    Snooze(until=None),
    Snooze(until=START + timedelta(days=2)),
    Resolve(cause="speed", action="called back"),
    Resolve(cause="speed", action="called back"),
    Resolve(cause="moon", action=""),
    Reopen(),
)
WORKERS = st.sampled_from((*AGENTS, Address(channel=ChannelName("api"), key="lan")))


class Listener(World):
    """A shop that knows which words of customers reached nobody although a case of theirs listens."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.unheard: list[Words] = []

    def handle(self, event: Inbound) -> Outcome:
        if not isinstance(event, Wrote | Commanded):
            return super().handle(event)
        before = self.listening(event.sender)
        outcome = super().handle(event)
        after = self.listening(event.sender)
        # of a case that something else changed at the same moment nobody can say what should be
        if before is not None and after is not None and before.id == after.id:
            kept = [write.words for write in outcome.writes if isinstance(write, KeepWords)]
            self.unheard += [words for words in kept if not self.is_heard(words, before)]
        return outcome

    def listening(self, who: Address) -> Case | None:
        case = self.store.facts(Read(address=who)).open_case
        return case if case is not None and listens(case, self.now) else None

    def is_heard(self, words: Words, by: Case) -> bool:
        if words.in_thread:
            return True
        quoting = [case for case in self.store.cases.values() if case.conversation == words.conversation]
        if any(case.alerted or case.state not in CLOSED for case in quoting):
            return True
        # what is said to another survey is none of theirs who have not spoken to the customer yet
        return words.conversation != by.conversation and by.first_word_at is None


class IntakeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = Listener(SHOP)
        self.events: list[Inbound] = []
        self.reports = 0
        #: how much of the outbox the invariants have seen, and what was posted there
        self.read = 0
        self.posted: set[str] = set()
        #: the history as it was after the last step
        self.noted: list[CaseNote] = []

    def do(self, event: Inbound) -> Outcome:
        self.events.append(event)
        return self.world.handle(event)

    # ---- customers ----------------------------------------------------------------------------------------

    @initialize(flow=st.sampled_from(("support", "delivery", "thumbs")))
    def ask(self, flow: str) -> None:
        """Without surveys under way most steps would do nothing."""
        self.world.report(CAT, "support", attributes={"agent": "Minh"})
        self.world.ask(ANN, flow, agent="Minh")
        self.world.command("start", BEN, "delivery")
        self.reports += 2

    @rule(who=PEOPLE, at=st.integers(0, 30))
    def tap_on_the_screen(self, who: Address, at: int) -> None:
        if shown := self.world.buttons(who):
            self.do(self.world.tapped(shown[-1 - at % len(shown)].token, who))

    @rule(who=PEOPLE, at=st.sampled_from((0, 0, 1)), score=st.sampled_from(("1", "5", "10")))
    def change(self, who: Address, at: int, score: str) -> None:
        if shown := [button for button in self.world.buttons(who) if button.label == "Change"]:
            self.do(self.world.tapped(shown[at % len(shown)].token, who))
            self.do(self.world.wrote(score, who))

    @rule(who=PEOPLE, by=PEOPLE)
    def tap_for_someone_else(self, who: Address, by: Address) -> None:
        if shown := self.world.buttons(who):
            self.do(self.world.tapped(shown[-1].token, by))

    @rule(who=PEOPLE, data=st.data())
    def tap_something_once_shown(self, who: Address, data: st.DataObject) -> None:
        if ever := [button.token for message in self.world.messages(who) for button in buttons_of(message)]:
            self.do(self.world.tapped(data.draw(st.sampled_from(ever)), who))

    @rule(who=PEOPLE, turn=st.integers(0, 9), value=st.sampled_from(("0", "6", "11", "~change", "+slow", "~done", "x")))
    def forge(self, who: Address, turn: int, value: str) -> None:
        ids: list[str] = [*self.world.store.conversations] or ["nobody"]
        self.do(self.world.tapped(f"1.{ids[-1]}.{turn}.{value}", who))

    @rule(who=PEOPLE, text=TEXTS)
    def write(self, who: Address, text: str) -> None:
        self.do(self.world.wrote(text, who))

    @rule(who=PEOPLE, what=st.sampled_from(("feedback", "complain", "link", "start", "stop", "leave", "return")))
    def come_or_go(self, who: Address, what: str) -> None:
        events: dict[str, Inbound] = {
            "feedback": self.world.commanded("feedback", who),
            "complain": self.world.commanded("feedback", who, "it broke again"),
            "link": self.world.commanded("start", who, "delivery"),
            "start": self.world.commanded("start", who),
            "stop": self.world.commanded("stop", who),
            "leave": Left(event=f"e{self.world.number()}", sender=who, at=self.world.now),
            "return": Returned(event=f"e{self.world.number()}", sender=who, at=self.world.now),
        }
        self.do(events[what])

    @rule(data=st.data())
    def deliver_an_event_again(self, data: st.DataObject) -> None:
        if self.events:
            outcome = self.world.handle(data.draw(st.sampled_from(self.events)))
            assert outcome.said.kind == "duplicate"
            assert not outcome.writes

    # ---- the business, its agents, the clock -----------------------------------------------------------------

    @rule(who=PEOPLE, flow=st.sampled_from(("support", "delivery", "thumbs", "gone")), again=st.booleans())
    def report(self, who: Address, flow: str, again: bool) -> None:
        reference = "the same" if again else ""
        self.world.report(who, flow, reference, attributes={"agent": "Minh", "order": "A7"})
        self.reports += 1

    @rule(agent=st.sampled_from(AGENTS), data=st.data())
    def claim(self, agent: Address, data: st.DataObject) -> None:
        if cases := list(self.world.store.cases):
            self.do(self.world.pressed(data.draw(st.sampled_from(cases)), agent))

    @rule(agent=WORKERS, deed=st.sampled_from(DEEDS), data=st.data())
    def work(self, agent: Address, deed: Deed, data: st.DataObject) -> None:
        if cases := list(self.world.store.cases):
            self.do(self.world.did(data.draw(st.sampled_from(cases)), deed, agent))

    @rule(
        data=st.data(), action=st.sampled_from(("release", "reply", "resolve", "snooze:1h", "snooze:custom", "use:x"))
    )
    def press(self, data: st.DataObject, action: str) -> None:
        if cases := list(self.world.store.cases):
            self.do(self.world.pressed(data.draw(st.sampled_from(cases)), AGENTS[0], action))

    @rule(agent=st.sampled_from(AGENTS), text=TEXTS, data=st.data())
    def write_in_a_thread(self, agent: Address, text: str, data: st.DataObject) -> None:
        if cases := list(self.world.store.cases):
            event = self.world.in_thread(data.draw(st.sampled_from(cases)), text, agent)
            if self.world.handle(event).writes:
                self.events.append(event)

    @rule(data=st.data())
    def something_is_not_delivered(self, data: st.DataObject) -> None:
        sent = [row.outbound.slot for row in self.world.store.queue.values()]
        if relays := [slot for slot in sent if slot.startswith("relay:")]:
            slot = data.draw(st.sampled_from(relays))
            case = CaseId(slot.split(":")[1])
            event = f"e{self.world.number()}"
            self.do(NotDelivered(event=event, case=case, slot=slot, why="blocked", at=self.world.now))

    @rule(deed=st.sampled_from(DEEDS), data=st.data())
    def resolve_and_let_the_customer_say(self, deed: Deed, data: st.DataObject) -> None:
        """The long way to the recovery question is taken at once, else few runs would come there."""
        if cases := list(self.world.store.cases):
            case = data.draw(st.sampled_from(cases))
            self.do(self.world.did(case, Resolve(cause="speed", action="called back")))
            self.world.later(hours=24)
            address = self.world.store.cases[case].address
            if shown := self.world.buttons(address, on=f":{case}:{self.world.store.cases[case].resolution}"):
                answer = self.world.tapped(data.draw(st.sampled_from(shown)).token, address)
                self.at_once(answer, self.world.did(case, deed))

    @rule(minutes=st.sampled_from((-90, 1, 1, 2, 10, 10, 14, 31, 1_500, 12_000)))
    def time_passes(self, minutes: int) -> None:
        self.world.later(minutes=minutes)

    @rule()
    def deliver(self) -> None:
        self.world.deliver()

    # ---- races ------------------------------------------------------------------------------------------------

    @rule(who=PEOPLE, data=st.data())
    def two_taps_at_once(self, who: Address, data: st.DataObject) -> None:
        if shown := self.world.buttons(who):
            one, two = (self.world.tapped(data.draw(st.sampled_from(shown)).token, who) for _ in range(2))
            self.at_once(one, two)

    @rule(who=PEOPLE, text=TEXTS, data=st.data())
    def words_and_a_tap_at_once(self, who: Address, text: str, data: st.DataObject) -> None:
        if shown := self.world.buttons(who):
            tap = self.world.tapped(data.draw(st.sampled_from(shown)).token, who)
            self.at_once(self.world.wrote(text, who), tap)

    @rule(who=PEOPLE, text=TEXTS, data=st.data())
    def words_and_claims_at_once(self, who: Address, text: str, data: st.DataObject) -> None:
        if cases := list(self.world.store.cases):
            case = data.draw(st.sampled_from(cases))
            words = self.world.wrote(text, self.world.store.cases[case].address)
            self.at_once(self.world.pressed(case, AGENTS[0]), words)
            self.at_once(self.world.pressed(case, AGENTS[1]), self.world.pressed(case, AGENTS[0]))

    @rule(who=PEOPLE, text=TEXTS)
    def words_while_something_comes_due(self, who: Address, text: str) -> None:
        self.world.store.meanwhile = lambda: self.world.later(hours=1)
        self.do(self.world.wrote(text, who))

    @rule(data=st.data())
    def the_same_event_twice_at_once(self, data: st.DataObject) -> None:
        event = self.world.commanded("stop", data.draw(PEOPLE))
        self.at_once(event, event)

    def at_once(self, one: Inbound, two: Inbound) -> None:
        self.world.store.meanwhile = lambda: self.do(two)
        self.do(one)

    # ---- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def each_answer_is_on_its_scale_and_kept_once(self) -> None:
        kept = {key: _value(row) for key, row in self.world.store.answers.items()}
        said = {
            (conversation.id, question): (answer.value, answer.at)
            for conversation in self.world.store.conversations.values()
            for question, answer in conversation.answers.items()
        }
        assert kept == said
        for (id, question), row in self.world.store.answers.items():
            asked = self.flow_of(self.world.store.conversations[id]).question(question)
            assert asked is not None
            assert row.score is None or (isinstance(asked, Rating) and row.score in scale_of(asked))
            assert row.words is None or row.words in self.world.store.words

    @invariant()
    def the_counts_are_those_of_the_answers(self) -> None:
        expected: Counter[tuple[str, str, int | None, object]] = Counter()
        for (_, question), row in self.world.store.answers.items():
            if row.score is not None or (row.skipped and question in ("effort", "shop")):
                expected[row.flow_id, question, row.score, bucket_of(row.at)] += 1
        actual: Counter[tuple[str, str, int | None, object]] = Counter()
        for key, n in self.world.store.counts.items():
            assert n > 0
            if key.dimension == "all":
                actual[key.flow_id, key.question, key.score, key.bucket] += n
        assert actual == expected

    @invariant()
    def a_case_is_open_exactly_for_the_unhappy(self) -> None:
        cases = list(self.world.store.cases.values())
        assert len({case.conversation for case in cases}) == len(cases)
        # a case that agents work on runs its course, whatever the score becomes, and one that came to its end keeps it
        ended = {case.conversation for case in cases if case.state in ("recovered", "unconfirmed") or case.worked}
        open_for = {case.conversation: case.score for case in cases if case.state not in CLOSED and not case.worked}
        unhappy: dict[str, int] = {}
        for conversation in self.world.store.conversations.values():
            flow = self.flow_of(conversation)
            rating = flow.score_question()
            answer = conversation.answers.get(rating.id) if rating else None
            low = (
                rating and answer and isinstance(answer.value, Scored) and is_unhappy(flow, rating, answer.value.score)
            )
            if low and answer and isinstance(answer.value, Scored) and conversation.id not in ended:
                unhappy[conversation.id] = answer.value.score
        assert open_for == unhappy

    @invariant()
    def each_case_is_told_once(self) -> None:
        posts = [row.outbound for row in self.world.store.queue.values() if row.outbound.kind == "post"]
        alerts = Counter(message.slot for message in posts if isinstance(message.content, AlertOf | IncidentOf))
        assert all(n == 1 for n in alerts.values())
        for case in self.world.store.cases.values():
            assert case.alerted == (alerts[f"alert:{case.id}"] == 1)
            assert (case.owner is not None) == (case.claimed_at is not None)
        for incident in self.world.store.incidents.values():
            assert alerts[f"incident:{incident.id}"] == 1
            assert incident.cases == sum(case.incident == incident.id for case in self.world.store.cases.values())

    @invariant()
    def a_case_waits_for_what_it_should(self) -> None:
        moment = Moment(settings=SHOP, now=self.world.now, ids=lambda: "")
        for case in self.world.store.cases.values():
            waits = {row.key for row in self.world.store.due_rows.values() if row.ref == case.id}
            assert waits - {f"incident:{case.id}"} == set(wanted_dues(case, moment))

    @invariant()
    def what_was_noted_stays_and_makes_sense(self) -> None:
        notes = self.world.store.notes
        assert notes[: len(self.noted)] == self.noted
        self.noted = list(notes)
        for case in self.world.store.cases.values():
            told = [note.what for note in notes if note.case == case.id]
            assert told[0] == "opened"
            self.replay(told)

    def replay(self, told: list[NoteKind]) -> None:
        """A customer is asked once about each resolution, never of a case that was withdrawn, and answers once.

        But that a "Yes" may be taken back.
        """
        resolved = asked = said_yes = False
        for what in told:
            match what:
                case "resolved":
                    assert not resolved
                    resolved, asked = True, False
                case "asked" | "not_asked":
                    assert resolved
                    assert not asked
                    asked = True
                case "not_fixed" if said_yes:
                    said_yes = False
                case "recovered" | "not_fixed" | "unconfirmed":
                    assert resolved
                    assert asked
                    resolved, said_yes = False, what == "recovered"
                case "withdrawn":
                    resolved = False
                case "reopened_by":
                    resolved = said_yes = False
                case _:
                    pass

    @invariant()
    def words_reach_only_whom_they_are_for(self) -> None:
        store = self.world.store
        for row in store.queue.values():
            outbound = row.outbound
            if outbound.slot.startswith(("relay:", "fixed:")):
                assert outbound.to == store.cases[CaseId(outbound.slot.split(":")[1])].address
            if outbound.slot.startswith("words:"):
                words = store.words[WordsId(outbound.slot.removeprefix("words:"))]
                case = store.cases[CaseId((outbound.thread or "").removeprefix("alert:"))]
                assert (outbound.to, words.customer) == (case.desk, case.customer)

    @invariant()
    def somebody_hears_all_that_is_said_while_a_case_listens(self) -> None:
        """Words stand in a thread, or else in the alert of their case, which goes out when its time has come."""
        assert self.world.unheard == []
        slots = self.slots()
        for id, words in self.world.store.words.items():
            assert words.in_thread == (f"words:{id}" in slots)

    @invariant()
    def what_waits_will_end(self) -> None:
        waiting = [each for each in self.world.store.conversations.values() if each.status == "waiting"]
        # A correction may open a survey again that was complete before the next one began; no other may wait beside it.
        fresh = [each.address for each in waiting if f"t:{each.id}" not in self.slots()]
        assert len(set(fresh)) == len(fresh)
        for conversation in waiting:
            assert f"expire:{conversation.id}" in self.world.store.due_rows

    def slots(self) -> set[str]:
        return {row.outbound.slot for row in self.world.store.queue.values()}

    @invariant()
    def nothing_is_edited_before_it_was_posted(self) -> None:
        for row in list(self.world.store.queue.values())[self.read :]:
            if row.outbound.kind != "edit":
                assert row.outbound.thread is None or row.outbound.thread in self.posted
                self.posted.add(row.outbound.slot)
            assert row.outbound.slot in self.posted
            assert all(len(button.token.encode()) <= TOKEN_BYTES for button in buttons_of(row.outbound))
        self.read = len(self.world.store.queue)

    @invariant()
    def every_trigger_left_its_decision(self) -> None:
        """Each ending has one, which counts how often it was told again; and none waits for a time that never comes."""
        reported = [each for each in self.world.store.decisions if each.trigger == "api"]
        assert sum(1 + each.repeats for each in reported) == self.reports
        for decision in reported:
            assert decision.interaction is not None
            waits = f"ask:{decision.interaction}" in self.world.store.due_rows
            newest = self.world.store.interactions[decision.interaction].dealing.endings
            assert (decision.verdict == "deferred") == (waits and decision.key.endswith(f":{newest}"))

    def flow_of(self, conversation: Conversation) -> Flow:
        return self.world.store.flows[conversation.flow].flow


def _value(row: SaveAnswer) -> object:
    if row.skipped:
        return Skipped(), row.at
    if row.words is not None:
        return Worded(words=row.words), row.at
    return (Scored(score=row.score) if row.score is not None else Chosen(options=row.options)), row.at


def test_what_is_kept_stays_consistent() -> None:
    run_state_machine_as_test(
        IntakeMachine,
        settings=settings(max_examples=60, stateful_step_count=50, deadline=None, derandomize=True, database=None),
    )


@pytest.mark.slow
def test_what_is_kept_stays_consistent_in_a_long_search() -> None:
    run_state_machine_as_test(
        IntakeMachine,
        settings=settings(
            max_examples=500, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
