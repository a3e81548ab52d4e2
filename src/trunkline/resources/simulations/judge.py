"""The verdict on a simulated call: what the language model says of each criterion."""

from collections.abc import Sequence
from typing import Any

from trunkline.resources.evaluations.material import AS_DATA, fenced
from trunkline.resources.simulations.schemas import Analysis, CallSuccess, Evaluation
from trunkline.resources.simulations.text import Happening
from trunkline.voice.language.ports import LanguageModel

_RULES = (
    "You judge telephone calls between an agent and a caller. For each criterion say first why it holds or does not, "
    "in one or two sentences that point to what was said, then whether it holds. Judge by the transcript alone; what "
    f"it does not show does not hold. {AS_DATA}"
)
_WHO = {"bot": "agent", "human": "caller", "system": "(line)"}


async def judge(
    model: LanguageModel,
    name: str,
    happened: Sequence[Happening],
    criteria: Sequence[str],
    success: CallSuccess,
) -> Analysis | None:
    """One verdict a criterion, in order, and the verdict on all; None where there are no criteria.

    `name` is the language model to ask. Raises ProviderError, Unavailable.
    """
    if not criteria:
        return None
    transcript = "\n".join(f"{_WHO[each.sender]}: {each.value}" for each in happened)
    numbered = "\n".join(f"{n}. {criterion}" for n, criterion in enumerate(criteria, 1))
    asked = f"Transcript:\n{fenced('transcript', transcript)}\n\nCriteria:\n{numbered}"
    messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": asked}]
    filled = await model.fill(name, messages, _form(len(criteria)), "verdict")
    evaluations = [Evaluation(**filled.value[_key(n)]) for n in range(1, len(criteria) + 1)]
    verdicts = [each.success for each in evaluations]
    overall = all(verdicts) if success is CallSuccess.ALL else any(verdicts)
    return Analysis(success=overall, evaluations=evaluations)


def _form(count: int) -> dict[str, Any]:
    """A member for each criterion rather than a list: a model can then leave none out and change no order."""
    verdict = {
        "type": "object",
        "properties": {"reasoning": {"type": "string"}, "success": {"type": "boolean"}},
        "required": ["reasoning", "success"],
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
