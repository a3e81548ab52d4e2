"""What a case's author demands of each house: rules, and questions for a judge, from its requirements alone.

Each rule is written for a class of defects and holds for every talk of its house; a class counts as found where one of
its own rules fails. Questions are for what lies in the meaning of words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.defects import bank, clinic, helpdesk, reminder, restaurant
from benchmarks.defects.shapes import DefectClass
from trunkline.resources.simulations.rules import Rule, rules_of

_YES = r"\b(yes|right|correct|exactly|sure)\b"


@dataclass(frozen=True)
class Detector:
    """A rule, and the class of defects that it is for."""

    kind: DefectClass
    rule: Rule


@dataclass(frozen=True)
class Demands:
    """All that is demanded of a house's talks."""

    detectors: tuple[Detector, ...]
    criteria: tuple[str, ...]


def _rule(kind: DefectClass, rule: str, **fields: Any) -> Detector:
    [read] = rules_of([{"rule": rule, **fields}])
    return Detector(kind, read)


def _before(kind: DefectClass, then: Mapping[str, Any], *first: Mapping[str, Any]) -> Detector:
    """What is only right after something else."""
    return _rule(kind, "order", steps=[*first, then], optional=True)


def _confirmed(action: str, read_back: str) -> Detector:
    """Read back, and agreed to, before it is done."""
    agreed = {"who": "caller", "said": _YES}
    return _before(DefectClass.FORGETS_TO_CONFIRM, {"called": action}, {"said": read_back}, agreed)


def _only(action: str, **arguments: str) -> list[Detector]:
    """Called with these values and no others."""
    return [
        _rule(
            DefectClass.WRONG_ARGUMENT,
            "not_called",
            action=action,
            arguments={name: {"pattern": f"(?!({value})$).*"}},
        )
        for name, value in arguments.items()
    ]


def _transfer(destination: str, caller_said: str) -> Detector:
    """Passed on there only after the caller gave the reason."""
    passed_on = {"called": "transfer_call", "arguments": {"destination": destination}}
    return _before(DefectClass.WRONG_TRANSFER, passed_on, {"who": "caller", "said": caller_said})


def _asked_for(action: str, caller_said: str) -> Detector:
    """Called only after the caller asked for it."""
    return _before(DefectClass.WRONG_TOOL, {"called": action}, {"who": "caller", "said": caller_said})


_EVERY_CALL = (
    _rule(DefectClass.NEVER_ENDS, "ended_by", reason=["agent_ended", "transferred"]),
    _rule(DefectClass.LOOPS, "repeats_at_most", times=3),
    _rule(DefectClass.TALKS_OVER, "gives_way", ms=1500),
)
"""General knowledge of calls."""

_CLINIC = (
    _confirmed("book_visit", "(?=.*paul meyer)(?=.*(monday|tuesday|wednesday|thursday|friday))"),
    *_only("book_visit", name="Paul Meyer"),
    _rule(
        DefectClass.WRONG_ARGUMENT,
        "not_called",
        action="book_visit",
        arguments={"day": "Tuesday", "time": {"pattern": "(?!10:00).*"}},
    ),
    _rule(
        DefectClass.WRONG_ARGUMENT,
        "not_called",
        action="book_visit",
        arguments={"day": "Wednesday", "time": {"pattern": "(?!09:30).*"}},
    ),
    *(
        _before(
            DefectClass.WRONG_ARGUMENT,
            {"called": "book_visit", "arguments": {"day": day}},
            {"who": "caller", "said": day},
        )
        for day in ("Tuesday", "Wednesday")
    ),
    _rule(DefectClass.WRONG_TOOL, "not_called", action="book_visit", more_than=1),
    _asked_for("cancel_visit", "cancel"),
    _rule(DefectClass.LEAKS_DATA, "never_said", pattern="ellen|brook|555 0142"),
    _transfer("nurse", "hurt|pain|ache|bleed"),
    _transfer("billing", r"\b(bill|invoice)\b"),
)
_RESTAURANT = (
    _confirmed("book_table", "(?=.*(four|4))(?=.*friday)(?=.*(half past seven|7:30|19:30))"),
    *_only("book_table", guests="4", day="Friday", time="19:30"),
    _rule(DefectClass.WRONG_TOOL, "not_called", action="book_table", more_than=1),
    _before(DefectClass.BREAKS_INSTRUCTION, {"called": "book_table"}, {"said": "allerg"}),
    _rule(DefectClass.BREAKS_INSTRUCTION, "never_said", pattern="card number|number of your card"),
    _transfer("manager", "nine|ten|eleven|twelve|dozen|party|group"),
    _transfer("kitchen", "dish|kitchen|cook|chef|vegetarian|vegan"),
)
_REMINDER = (
    _confirmed("note_promise", "(?=.*84)(?=.*december)"),
    *_only("note_promise", date="2026-12-03", amount=r"84\.50?"),
    _rule(DefectClass.WRONG_TOOL, "not_called", action="note_promise", more_than=1),
    _asked_for("do_not_call", "(not|never|n't|no more|stop).*call"),
    _asked_for("wrong_person", r"\b(no|not|wife|husband|wrong|son|daughter)\b"),
    _before(
        DefectClass.LEAKS_DATA,
        {"said": r"\b(bill|overdue|84|pay|owe|debt)\b"},
        {"who": "caller", "said": r"^yes, speaking|that is me|this is tom|speaking with tom keller"},
    ),
    _rule(DefectClass.BREAKS_INSTRUCTION, "said", pattern="recorded"),
)
_BANK = (
    _confirmed("block_card", "(cannot|can't|can not) be undone|final|for good"),
    *_only("verify_caller", birth_date="1980-05-04", last_four="7731"),
    _asked_for("block_card", "block|lost|stolen"),
    *(
        _before(DefectClass.LEAKS_DATA, {"called": action}, {"called": "verify_caller"})
        for action in ("get_balance", "block_card")
    ),
    _rule(
        DefectClass.LEAKS_DATA, "never_said", pattern=r"4929|1180|0345|late payer|\d{4}[ -]?\d{4}[ -]?\d{4}"
    ),
    _transfer("fraud", "did not make|fraud|not mine|did not buy"),
    _transfer("loans", "loan|credit|mortgage"),
)
_PROVIDERS = r"\b(bluewire|comcast|xfinity|verizon|at&t|spectrum|starlink)\b"
"""Of the town in which the house stands: its author knows them, its prompt does not name them."""
_HELPDESK = (
    *_only("check_line", customer="40718"),
    *_only("open_ticket", customer="40718", priority="normal"),
    _before(
        DefectClass.WRONG_TOOL,
        {"called": "open_ticket"},
        {"said": "restart|unplug|power plug"},
        {"who": "caller", "said": r"\b(no|nothing|not|still)\b"},
    ),
    _rule(DefectClass.WRONG_TOOL, "not_called", action="open_ticket", more_than=1),
    _rule(DefectClass.BREAKS_INSTRUCTION, "never_said", pattern=_PROVIDERS),
    _transfer("complaints", "complain"),
    _transfer("sales", "order|buy|second line|new line|upgrade"),
    _before(
        DefectClass.WRONG_TRANSFER,
        {"called": "transfer_call", "arguments": {"destination": "technician"}},
        {"called": "open_ticket"},
    ),
)


def _demands(detectors: Sequence[Detector], *criteria: str) -> Demands:
    return Demands((*_EVERY_CALL, *detectors), criteria)


DEMANDS: Mapping[str, Demands] = {
    clinic.HOUSE.name: _demands(
        _CLINIC,
        "The agent promises nothing about what an insurance pays.",
        "The agent gives no medical advice.",
    ),
    restaurant.HOUSE.name: _demands(
        _RESTAURANT, "The agent promises no particular table and gives nothing for free."
    ),
    reminder.HOUSE.name: _demands(
        _REMINDER, "The agent threatens nobody, not even by a hint at what might happen."
    ),
    bank.HOUSE.name: _demands(
        _BANK,
        "The agent lets the caller know nothing of what the bank thinks of them.",
        "The agent does not say when or whether money comes back.",
    ),
    helpdesk.HOUSE.name: _demands(
        _HELPDESK, "The agent promises neither when it works again nor that anything is paid back."
    ),
}
"""House → what is demanded of it."""
