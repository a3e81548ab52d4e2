"""Verdicts that need no judge: rules of a case, read from what happened.

In YAML a rule is a mapping with `rule` and what that rule asks for:

    - rule: called
      action: book_visit
      arguments: {name: Paul Meyer, time: {pattern: "10:?00"}}
    - rule: order
      steps: [{said: "is that right"}, {who: caller, said: "yes"}, {called: book_visit}]
    - rule: never_said
      pattern: Ellen|Brook

Patterns are regular expressions that may match anywhere, without regard to case.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from trunkline.resources.simulations.happenings import Called, Happenings, Said, Speaker
from trunkline.resources.simulations.matching import Found, Want, at_path, described, matches, parsed_path
from trunkline.resources.simulations.verdicts import Verdict, cannot_tell, failed, passed


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


def _path(path: str) -> str:
    parsed_path(path)
    return path


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]
Path = Annotated[str, AfterValidator(_path)]
_NO_CALLS = "It was not observed what the agent called."
_WORD = re.compile(r"\w+")
_FEW_WORDS = 4
_AT_ONCE_MS = 300
"""Two who begin, or begin and end, so close together do not talk over each other."""


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _OfCalls(_Rule):
    action: str
    arguments: dict[str, Want] = Field(default_factory=dict)
    """Each a value that must be equal, or `{pattern: …}`."""
    exact: bool = False
    """No other arguments than these."""

    def found(self, calls: tuple[Called, ...]) -> list[Called]:
        """The calls that are meant."""
        return [each for each in calls if each.name == self.action and self._fits(each)]

    def _fits(self, call: Called) -> bool:
        if self.exact and set(call.arguments) != set(self.arguments):
            return False
        return _has(call, self.arguments)


class WasCalled(_OfCalls):
    """The agent called the action, with these arguments at least."""

    rule: Literal["called"]
    times: int | None = Field(default=None, ge=1)
    """So often; None: once or more."""
    succeeded: bool = False
    """Only calls that went well count."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.calls is None:
            return cannot_tell(_NO_CALLS)
        meant = [each for each in self.found(happened.calls) if each.ok or not self.succeeded]
        if meant and self.times in (None, len(meant)):
            return passed(*map(described, meant))
        if meant:
            return failed(
                f"{self.action} was called so {len(meant)} times, not {self.times}.", *map(described, meant)
            )
        others = [each for each in happened.calls if each.name == self.action]
        if not others:
            return failed(f"{self.action} was never called.")
        return failed(f"{self.action} was called, but not as wanted.", *map(described, others))


class NotCalled(_OfCalls):
    """The agent never called the action, or never with these arguments."""

    rule: Literal["not_called"]
    more_than: int = Field(default=0, ge=0)
    """So often it may."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.calls is None:
            return cannot_tell(_NO_CALLS)
        meant = self.found(happened.calls)
        if len(meant) <= self.more_than:
            return passed(*map(described, meant))
        often = f" {len(meant)} times" if self.more_than else ""
        return failed(f"{self.action} was called{often}.", *map(described, meant))


class Step(_Rule):
    """One of several things that come after each other: words that are said, or an action."""

    called: str | None = None
    arguments: dict[str, Want] = Field(default_factory=dict)
    """Of the call, at least these."""
    said: Pattern | None = None
    who: Speaker = "agent"

    @model_validator(mode="after")
    def _one(self) -> "Step":
        if (self.called is None) == (self.said is None):
            raise ValueError("give called or said, one of them")
        if self.arguments and self.called is None:
            raise ValueError("arguments are of a call; give called beside them")
        return self

    def is_met(self, event: Said | Called) -> bool:
        """Whether this is it."""
        if isinstance(event, Called):
            return event.name == self.called and _has(event, self.arguments)
        return self.said is not None and event.who == self.who and _search(self.said, event.text)


class Order(_Rule):
    """Each step comes after the one before; the last does not happen before all others have."""

    rule: Literal["order"]
    steps: list[Step] = Field(min_length=2)
    optional: bool = False
    """Nothing is wrong where the last never happens."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.calls is None and any(step.called for step in self.steps):
            return cannot_tell(_NO_CALLS)
        met = 0
        evidence: list[str] = []
        for event in _events(happened):
            if met < len(self.steps) and self.steps[met].is_met(event):
                met += 1
                evidence.append(described(event))
            elif met < len(self.steps) and self.steps[-1].is_met(event):
                return failed(f"This came before {_shown(self.steps[met])}.", described(event))
        if met < len(self.steps) and not self.optional:
            return failed(f"{_shown(self.steps[met])} did not follow.", *evidence)
        return passed(*evidence)


class TransferredTo(_Rule):
    """The caller was passed on there, and nowhere else."""

    rule: Literal["transferred_to"]
    target: str | None
    """A number or name; null: nowhere."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.transfers is None:
            return cannot_tell("It was not observed where the caller was passed.")
        wanted = () if self.target is None else (self.target,)
        if happened.transfers == wanted:
            return passed(*happened.transfers)
        return failed(f"Passed to {', '.join(happened.transfers) or 'nobody'}.", *happened.transfers)


class EndedBy(_Rule):
    """The talk ended for this reason, or one of these."""

    rule: Literal["ended_by"]
    reason: str | list[str]

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.end_reason is None:
            return cannot_tell("It was not observed how the talk ended.")
        reasons = [self.reason] if isinstance(self.reason, str) else self.reason
        if happened.end_reason in reasons:
            return passed(happened.end_reason)
        return failed(f"It ended by {happened.end_reason}.", happened.end_reason)


class WasSaid(_Rule):
    """Somebody said what the pattern describes."""

    rule: Literal["said"]
    pattern: Pattern
    who: Speaker = "agent"
    at_most: int | None = Field(default=None, ge=1)
    """In no more turns than this."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        found = _turns(happened, self.pattern, self.who)
        if not found:
            return failed(f"The {self.who} never said {self.pattern!r}.")
        if self.at_most is not None and len(found) > self.at_most:
            return failed(f"Said in {len(found)} turns.", *map(described, found))
        return passed(*map(described, found))


class NeverSaid(_Rule):
    """Nobody of them said what the pattern describes."""

    rule: Literal["never_said"]
    pattern: Pattern
    who: Speaker = "agent"

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        found = _turns(happened, self.pattern, self.who)
        return failed(f"The {self.who} said it.", *map(described, found)) if found else passed()


class RepeatsAtMost(_Rule):
    """The agent said the same words in no more turns than this; turns of a few words do not count."""

    rule: Literal["repeats_at_most"]
    times: int = Field(ge=1)

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        turns = [
            " ".join(_WORD.findall(each.text.casefold())) for each in happened.turns if each.who == "agent"
        ]
        counted = Counter(each for each in turns if len(each.split()) >= _FEW_WORDS)
        often = [f"{count} times: {words}" for words, count in counted.items() if count > self.times]
        return failed("The agent repeats itself.", *often) if often else passed()


class GivesWay(_Rule):
    """The agent does not begin while the caller's turn goes on, and falls silent soon when the caller breaks in."""

    rule: Literal["gives_way"]
    ms: int = Field(default=1000, ge=0)
    """From the caller's first sound to the agent's last."""

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.caller_spoke is None:
            return cannot_tell(
                "It was not observed when the caller spoke; that is known of simulations in sound."
            )
        over = [
            f"{how}: {described(turn)}"
            for turn in happened.turns
            for begin, end in happened.caller_spoke
            if (how := self._over(turn, begin, end))
        ]
        return failed("The agent talked over the caller.", *over) if over else passed()

    def _over(self, turn: Said, begin: int, end: int) -> str:
        """How an agent's turn lay over one of the caller; "" for not at all."""
        if turn.who != "agent" or turn.start_ms is None or turn.end_ms is None:
            return ""
        if begin + _AT_ONCE_MS < turn.start_ms < end - _AT_ONCE_MS:
            return f"began {turn.start_ms - begin} ms into a turn of {end - begin} ms"
        if turn.start_ms <= begin + _AT_ONCE_MS and turn.end_ms > begin + self.ms:
            return f"went on for {turn.end_ms - begin} ms"
        return ""


class ReplyWithin(_Rule):
    """Each time the agent's first sound came so soon after the caller's last."""

    rule: Literal["reply_within"]
    ms: int = Field(ge=0)

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        gaps = [
            (now.start_ms - then.end_ms, now)
            for then, now in zip(happened.turns, happened.turns[1:], strict=False)
            if (then.who, now.who) == ("caller", "agent")
            and now.start_ms is not None
            and then.end_ms is not None
        ]
        if not gaps:
            return cannot_tell("No reply has a time; only talks in sound have.")
        late = [f"{gap} ms: {described(said)}" for gap, said in gaps if gap > self.ms]
        longest = max(gap for gap, _ in gaps)
        return (
            failed(f"{len(late)} replies came late.", *late) if late else passed(f"The longest: {longest} ms")
        )


class VariableEquals(_Rule):
    """A variable has this value at the end."""

    rule: Literal["variable_equals"]
    name: str
    value: Want

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.variables is None:
            return cannot_tell("It was not observed which variables the talk had.")
        if self.name not in happened.variables:
            return failed(f"There is no variable {self.name}.")
        has = happened.variables[self.name]
        return _equal(self.value, has, f"{self.name} is {has!r}")


class StateEquals(_Rule):
    """The world of the mocked tools, or a part of it, has this value at the end."""

    rule: Literal["state_equals"]
    path: Path = "$"
    """Such as `$.visits[0].day`: names after a dot, positions in brackets, from the end where negative."""
    value: Want

    def verdict(self, happened: Happenings) -> Verdict:
        """Judge."""
        if happened.state is None:
            return cannot_tell("There was no mocked tool with a state.")
        found = at_path(happened.state, self.path)
        if not isinstance(found, Found):
            return failed(f"There is nothing at {self.path}.")
        return _equal(self.value, found.value, f"{self.path} is {found.value!r}")


Rule = Annotated[
    WasCalled
    | NotCalled
    | Order
    | TransferredTo
    | EndedBy
    | WasSaid
    | NeverSaid
    | RepeatsAtMost
    | GivesWay
    | ReplyWithin
    | VariableEquals
    | StateEquals,
    Field(discriminator="rule"),
]
"""One of them, told apart by `rule`."""
_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


def rules_of(written: Any) -> list[Rule]:
    """The rules of a case as YAML or JSON has them. Raises pydantic's ValidationError, which names the place."""
    return _RULES.validate_python(written)


def _search(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _has(call: Called, arguments: Mapping[str, Want]) -> bool:
    return all(
        name in call.arguments and matches(want, call.arguments[name]) for name, want in arguments.items()
    )


def _turns(happened: Happenings, pattern: str, who: Speaker) -> list[Said]:
    return [each for each in happened.turns if each.who == who and _search(pattern, each.text)]


def _events(happened: Happenings) -> Iterator[Said | Called]:
    """Turns and calls in the order in which they began; of one turn the words before its calls."""
    calls = happened.calls or ()
    yield from (call for call in calls if call.turn == 0)
    for n, turn in enumerate(happened.turns, 1):
        yield turn
        last = n == len(happened.turns)
        yield from (call for call in calls if call.turn == n or (last and call.turn > n))


def _shown(step: Step) -> str:
    told = f" with {step.arguments}" if step.arguments else ""
    return f"the call of {step.called}{told}" if step.called else f"{step.said!r} of the {step.who}"


def _equal(want: Want, has: Any, evidence: str) -> Verdict:
    return passed(evidence) if matches(want, has) else failed("It has another value.", evidence)
