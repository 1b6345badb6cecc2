"""Ready answers: apologies, fixes, and the company's policies, with variables. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

TemplateKind = Literal["apology", "fix", "policy"]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One ready answer: its title for agents, and its text per language of customers."""

    id: str
    kind: TemplateKind
    title: str
    text: Mapping[str, str]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can have gone wrong, as agents choose it when they resolve a case."""

    id: str
    title: str
