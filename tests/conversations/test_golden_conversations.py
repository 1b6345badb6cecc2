"""Whole conversations as files: tests/flows/<flow>.<case>.toml, explained in golden.py."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conversations.golden import FLOWS, Player, to_toml

CASES = sorted(path for path in FLOWS.glob("*.*.toml") if not path.name.endswith(".flow.toml"))
_INPUTS = ("at", "starts", "taps", "taps_old", "forges", "on", "types", "expires", "stops", "reminds")


def played(case: dict[str, Any]) -> dict[str, Any]:
    player = Player(case)
    steps = []
    for step in case["step"]:
        given = {key: step[key] for key in _INPUTS if key in step}
        steps.append(given | player.play(step))
    return {**case, "step": steps, "end": player.end()}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(".toml"))
def test_conversation(path: Path) -> None:
    case = tomllib.loads(path.read_text("utf-8"))
    outcome = played(case)
    if os.environ.get("AFTERCHAT_GOLDEN") == "write":
        path.write_text(to_toml(outcome), "utf-8")
        return
    for number, (expected, actual) in enumerate(zip(case["step"], outcome["step"], strict=True), start=1):
        assert actual == expected, f"step {number}"
    assert outcome["end"] == case["end"]


def test_there_are_cases() -> None:
    assert len(CASES) >= 25
