"""The page itself: facts in, one HTML text out, with its style inside and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from dlim.report import counts, summary
from dlim.report.clock import wall
from dlim.report.facts import Facts
from dlim.text import megabytes

if TYPE_CHECKING:
    from jinja2 import Environment

LISTED = 400
"""Cases of a finding that are listed; more of them tell nobody more."""

EVENTS = 12
"""The newest lines of a deployment's history that are shown."""


def page(facts: Facts) -> str:
    """The page that tells these facts; the same text for the same facts. It needs nothing from anywhere."""
    found = summary.problems(facts)
    return (
        _environment()
        .get_template("page.html")
        .render(
            facts=facts,
            problems=found,
            verdict=summary.verdict(found, facts),
            causes=summary.causes(facts.known.tasks),
            style=_text("page.css"),
            policy=_policy(),
            listed=LISTED,
            events=EVENTS,
        )
    )


def _policy() -> str:
    """What a browser may do with the page: show its own style and its own pictures; no script runs at all."""
    digest = base64.b64encode(hashlib.sha256(_text("page.css").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    """The templates. All that is put into them is escaped, and what they don't know is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["of"] = lambda number, what: f"{number:,} {what}{'s' * (number != 1)}"
    made.filters["size"] = megabytes
    made.filters["time"] = wall
    made.filters["parted"] = counts.parted
    return made


@cache
def _text(name: str) -> str:
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf-8")


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What no page may hold, or what would turn the text beside it around."""


def _printable(value: Any) -> Any:
    # what is marked as HTML is a template's own, and has been through here
    return _UNPRINTABLE.sub("\ufffd", value) if type(value) is str else value
