"""The verdict of a judge on a simulated call: what the language model says of each criterion, and what it quotes.

A judge has to quote the words that decide; what nobody said decides nothing. It may say that it cannot tell.
"""

import re
from collections.abc import Sequence
from typing import Any

from trunkline.resources.evaluations.material import AS_DATA, fenced
from trunkline.resources.simulations.schemas import CallSuccess
from trunkline.resources.simulations.verdicts import Outcome, Verdict, cannot_tell
from trunkline.voice.language.ports import LanguageModel

_AT_ONCE = 5
"""Criteria of one question; small models lose the thread of more."""
_RULES = (
    "You judge telephone calls between an agent and a caller. For each criterion first quote the words of the "
    "transcript that decide it, exactly as they stand there and as few as will do (an empty quote where it fails "
    "because something is not there; where something must not happen, the words that come nearest to it). Then say in one or two sentences why it holds or does not, and then whether it "
    "holds: pass, fail, or cannot_tell where the transcript decides it neither way. Judge by the transcript alone. "
    f"{AS_DATA}"
)
_OUTCOMES = {each.value: each for each in Outcome}
_NO_LETTER = re.compile(r"\W+")
_SPEAKER = re.compile(r"^\s*(?:agent|caller|\(line\))\s*:\s*", re.IGNORECASE)


async def judge(
    model: LanguageModel, name: str, transcript: str, criteria: Sequence[str], panel: int = 1
) -> list[Verdict]:
    """A verdict on each criterion, in order. `name`: the language model to ask; `panel`: so many judges vote.

    `transcript`: lines `agent: …`, `caller: …` and `(line): …`. Raises ProviderError, Unavailable.
    """
    votes = [
        await _one(model, name, transcript, criteria, member if panel > 1 else 0)
        for member in range(1, panel + 1)
    ]
    return [_decided(each) for each in zip(*votes, strict=True)]


def overall(outcomes: Sequence[Outcome], success: CallSuccess) -> Outcome:
    """The outcome of a call with several demands; what nobody can tell, and a call of which nothing was demanded, is no pass."""
    if success is CallSuccess.ANY:
        order = (Outcome.PASS, Outcome.CANNOT_TELL, Outcome.FAIL)
    else:
        order = (Outcome.FAIL, Outcome.CANNOT_TELL, Outcome.PASS)
    return next((each for each in order if each in outcomes), Outcome.CANNOT_TELL)


async def _one(
    model: LanguageModel, name: str, transcript: str, criteria: Sequence[str], member: int
) -> list[Verdict]:
    shown = f"Transcript:\n{fenced('transcript', transcript)}"
    rules = f"{_RULES} You are member {member} of a panel; judge by yourself." if member else _RULES
    found: list[Verdict] = []
    for start in range(0, len(criteria), _AT_ONCE):
        part = criteria[start : start + _AT_ONCE]
        numbered = "\n".join(f"{n}. {criterion}" for n, criterion in enumerate(part, 1))
        messages = [
            {"role": "system", "content": rules},
            {"role": "user", "content": f"{shown}\n\nCriteria:\n{numbered}"},
        ]
        filled = await model.fill(name, messages, _form(len(part)), "verdict")
        found += [_verdict(filled.value[_key(n)], transcript) for n in range(1, len(part) + 1)]
    return found


def _verdict(said: dict[str, Any], transcript: str) -> Verdict:
    """What a judge said, unless it rests on words that are not there."""
    outcome, quote = _OUTCOMES[said["verdict"]], _SPEAKER.sub("", said["quote"]).strip()
    if outcome is Outcome.CANNOT_TELL:
        return cannot_tell(said["reasoning"])
    letters = _letters(quote)
    if not letters and outcome is Outcome.PASS:
        return cannot_tell(f"It is said to hold, but nothing is quoted for it. {said['reasoning']}")
    if letters and f" {letters} " not in f" {_letters(transcript)} ":
        return cannot_tell(f'"{quote}" is quoted, but nobody said it. {said["reasoning"]}')
    return Verdict(outcome, said["reasoning"], (quote,) if letters else ())


def _decided(votes: Sequence[Verdict]) -> Verdict:
    """What more than half say, in the words of the first of them."""
    for vote in votes:
        if sum(each.outcome is vote.outcome for each in votes) * 2 > len(votes):
            return vote
    return cannot_tell(f"The panel does not agree. {' / '.join(vote.reason for vote in votes)}")


def _letters(text: str) -> str:
    return _NO_LETTER.sub(" ", text.casefold()).strip()


def _form(count: int) -> dict[str, Any]:
    """A member for each criterion rather than a list: a model can then leave none out and change no order."""
    verdict = {
        "type": "object",
        "properties": {
            "quote": {"type": "string"},
            "reasoning": {"type": "string"},
            "verdict": {"type": "string", "enum": list(_OUTCOMES)},
        },
        "required": ["quote", "reasoning", "verdict"],
        "additionalProperties": False,
    }
    names = [_key(n) for n in range(1, count + 1)]
    return {
        "type": "object",
        "properties": dict.fromkeys(names, verdict),
        "required": names,
        "additionalProperties": False,
    }


def _key(n: int) -> str:
    return f"criterion_{n}"
