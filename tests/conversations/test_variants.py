"""Which form of a flow a customer is given: always the same one, and as many of each as the shares say."""

from collections import Counter

from msgspec.structs import replace

from bot.conversations.flow import Flow, PinnedFlow, pin
from bot.conversations.questions import OpenText
from bot.conversations.variants import base_id, form_of
from bot.ids import CustomerId

CUSTOMERS = [CustomerId(f"{number:016x}") for number in range(4_000)]


def flow(id: str, *, of: str | None = None, share: int = 0) -> PinnedFlow:
    words = OpenText(id="why", text={"en": "Why?"})
    return pin(
        Flow(id=id, title={"en": id}, locales=("en",), questions=(words,), variant_of=of, share=share),
    )


BASE = flow("support")
B, C = flow("support_b", of="support", share=30), flow("support_c", of="support", share=20)
OTHER = flow("delivery_b", of="delivery", share=100)


def forms(*flows: PinnedFlow) -> list[str]:
    return [form_of(BASE, customer, flows).flow.id for customer in CUSTOMERS]


def test_shares_are_kept() -> None:
    found = Counter(forms(BASE, OTHER, B, C))
    assert found.keys() == {"support", "support_b", "support_c"}
    assert abs(found["support_b"] - 1_200) < 120
    assert abs(found["support_c"] - 800) < 100


def test_a_customer_is_given_the_same_form_in_whatever_order_the_flows_stand() -> None:
    assert forms(BASE, B, C) == forms(B, C, BASE) == forms(C, OTHER, B, BASE)


def moves(before: list[str], after: list[str]) -> Counter[tuple[str, str]]:
    return Counter((old, new) for old, new in zip(before, after, strict=True) if old != new)


def test_a_variant_added_behind_takes_only_those_who_had_the_flow_itself() -> None:
    assert moves(forms(BASE, B), forms(BASE, B, C)).keys() == {("support", "support_c")}


def test_a_variant_taken_away_moves_few_but_its_own_customers() -> None:
    assert moves(forms(BASE, B, C), forms(BASE, B)).keys() == {("support_c", "support")}
    found = moves(forms(BASE, B, C), forms(BASE, C))
    assert found.keys() <= {("support_b", "support"), ("support_b", "support_c"), ("support_c", "support")}
    # a fifth of the customers are C's, and of its wishes B held three in ten
    assert found["support_c", "support"] < 0.5 * 800


def test_a_greater_share_takes_customers_from_the_flow_itself_and_a_smaller_one_gives_them_back() -> None:
    more = flow("support_b", of="support", share=40)
    assert moves(forms(BASE, B), forms(BASE, more)).keys() == {("support", "support_b")}
    assert moves(forms(BASE, more), forms(BASE, B)).keys() == {("support_b", "support")}
    found = moves(forms(BASE, B, C), forms(BASE, more, C))
    assert found.keys() <= {("support", "support_b"), ("support_c", "support_b"), ("support", "support_c")}
    assert found.total() < 0.2 * len(CUSTOMERS)


def test_without_variants_and_with_those_of_others_it_is_the_flow_itself() -> None:
    assert set(forms(BASE)) == set(forms(OTHER, BASE)) == {"support"}


def test_a_whole_share_leaves_nobody() -> None:
    whole = replace(B, flow=replace(B.flow, share=100))
    assert set(forms(BASE, whole)) == {"support_b"}


def test_two_flows_draw_lots_apart() -> None:
    another = replace(BASE, flow=replace(BASE.flow, id="delivery"))
    half = flow("delivery_b", of="delivery", share=30)
    both = Counter(
        (form_of(BASE, each, (B,)).flow.id == "support_b", form_of(another, each, (half,)).flow.id == "delivery_b")
        for each in CUSTOMERS
    )
    assert 200 < both[True, True] < 520


def test_shares_of_more_than_all_leave_nobody_twice() -> None:
    much = flow("support_d", of="support", share=90)
    assert abs(Counter(forms(BASE, B, much))["support_b"] - 1_200) < 120


def test_rules_know_a_variant_by_its_base() -> None:
    assert (base_id(BASE), base_id(B)) == ("support", "support")
