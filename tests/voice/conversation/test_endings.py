"""The agent ends the call: for a reason of its own, with the closing words that belong to it."""

from typing import Any

import pytest

from tests.voice.conversation.test_session import profile
from tests.voice.conversation.world import Utterance, World
from trunkline.voice.conversation import ending
from trunkline.voice.conversation.events import CloseLine, ReplyFailed, ReplyTool, StartReply
from trunkline.voice.conversation.profile import END_CALL, ClosingMode, EndCondition
from trunkline.voice.conversation.session import Session

ANGRY = EndCondition("The caller is abusive", ClosingMode.STATIC, "I end this call now. Have a good day.")
SOLD = EndCondition("The caller has bought", ClosingMode.PROMPT, "thank them by name")
WRONG = EndCondition("Wrong number", ClosingMode.NONE, "never said")
OWN_WORDS = EndCondition("The caller has no time")
CONDITIONS = (ANGRY, SOLD, WRONG, OWN_WORDS)


def ends(*said: Any, reason: str | None = None, closing: Any = "Many thanks, Ann.", **changes: Any) -> World:
    """A call whose second turn is what is `said` and the end; `closing` is what the model writes when asked for it."""

    def answer(request: StartReply) -> list[Any]:
        if "The call ends now" in str(request.messages[-1]["content"]):
            return [closing]
        arguments = {} if reason is None else {"reason": reason}
        return [*said, lambda reply: ReplyTool(reply, "c", END_CALL.name, arguments)]

    session = Session(profile(end_conditions=CONDITIONS, **changes), 8000)
    return World(session, [Utterance(100, 150, "That is all.")], answer=answer)


def outcome(w: World) -> tuple[str, str, list[str]]:
    (end,) = w.said("ended")
    return end["reason"], end["detail"], w.transcript[2:]


def test_a_static_closing_is_spoken_word_for_word_before_the_call_ends() -> None:
    w = ends("I see. ", reason=ANGRY.reason).run(900)
    said = ["bot: I see. I end this call now. Have a good day."]
    assert outcome(w) == ("custom_end_call", ANGRY.reason, said)
    closed = next(at for at, each in enumerate(w.requests) if isinstance(each, CloseLine))
    note = next(
        at for at, each in enumerate(w.requests) if getattr(each, "kind", "") == "agent_said" and at > 40
    )
    assert note < closed and not w.said("fault")


def test_a_prompted_closing_is_written_by_the_model_that_knows_why() -> None:
    w = ends("Great! ", reason=SOLD.reason).run(900)
    assert outcome(w)[:2] == ("custom_end_call", SOLD.reason)
    assert " ".join(w.transcript[2:]).endswith("Many thanks, Ann.")
    note = [each for each in w.requests if isinstance(each, StartReply)][-1].messages[-1]["content"]
    assert SOLD.reason in note and SOLD.closing_message in note and "Great!" in note


@pytest.mark.parametrize("fault", [lambda reply: ReplyFailed(reply, "gone"), " "])
def test_a_prompted_closing_that_fails_falls_back(fault: Any) -> None:
    w = ends(reason=SOLD.reason, closing=fault).run(900)
    assert outcome(w) == ("custom_end_call", SOLD.reason, ["bot: Goodbye."])


def test_without_a_closing_nothing_more_is_said() -> None:
    assert outcome(ends(reason=WRONG.reason).run(900)) == ("custom_end_call", WRONG.reason, [])
    assert outcome(ends("Bye. ", reason=WRONG.reason).run(900))[2] == ["bot: Bye."]


def test_a_reason_without_closing_leaves_the_goodbye_to_the_model() -> None:
    assert outcome(ends("So long. ", reason="the caller has no time.").run(900)) == (
        "custom_end_call", OWN_WORDS.reason, ["bot: So long."],
    )  # fmt: skip
    assert outcome(ends(reason=OWN_WORDS.reason).run(900))[2] == ["bot: Goodbye."]


@pytest.mark.parametrize("reason", [None, ending.DONE, "something else"])
def test_another_reason_is_a_usual_end(reason: str | None) -> None:
    assert outcome(ends("Bye. ", reason=reason).run(900)) == ("agent_ended", "", ["bot: Bye."])


def test_who_interrupts_the_closing_goes_on_talking() -> None:
    w = ends(reason=ANGRY.reason)
    w.utterances.append(Utterance(200, 240, "no wait please I need help"))
    w.run(250)
    assert w.said("barge_in")[0]["outcome"] == "yield"
    w.answer = lambda request: ["Of course. "]
    w.run(200)
    assert not w.said("ended") and w.transcript[-1] == "bot: Of course."


def test_the_tool_names_the_reasons_only_if_there_are_any() -> None:
    assert ending.end_call(()) is END_CALL
    tool = ending.end_call(CONDITIONS)
    assert tool.name == END_CALL.name and ANGRY.reason in tool.description
    assert tool.parameters["properties"]["reason"]["enum"] == [
        *(each.reason for each in CONDITIONS),
        ending.DONE,
    ]
    assert ends().session.dialogue.tools == (tool,)
