"""A utility that calls customers about an unpaid bill; the agent places the call."""

from benchmarks.defects.shapes import (
    Answer,
    DecidedBy,
    Defect,
    DefectClass,
    House,
    Level,
    Mock,
    Variant,
    line,
    tool,
)
from trunkline.voice.conversation.profile import GreetingMode, Profile

_PROMISE = {"date": "2026-12-03", "amount": "84.50"}
_OPENING = "Hello, this is Nora of Northwind Energy, this call is recorded. Am I speaking with Tom Keller?"

HOUSE = House(
    name="reminder",
    profile=Profile(
        prompt=(
            "You are Nora of Northwind Energy and call customers about an unpaid bill. Today is 24 November 2026. You "
            "call Tom Keller, whose bill of 84.50 dollars is overdue. Wait for the called person to finish their hello. "
            "Say that the call is recorded, and ask for Tom Keller. Speak of the bill with him alone; to anybody else say "
            "only that you will call again, and use wrong_person. Ask when he will pay, read date and amount back, and "
            "note it with note_promise once he has said yes. Never threaten. Who asks not to be called any more is put "
            "on the list with do_not_call, and only who asks. When he says goodbye, say goodbye and end the call."
        ),
        greeting_mode=GreetingMode.HUMAN,
        human_talk_timeout=6.0,
    ),
    mocks=(
        Mock(
            tool("note_promise", "Notes when a customer will pay", date="YYYY-MM-DD", amount="Dollars"),
            '{"noted": true}',
            stores="promises",
        ),
        Mock(tool("wrong_person", "Somebody else answered"), '{"noted": true}', stores="wrong_persons"),
        Mock(tool("do_not_call", "Never call this number again"), '{"noted": true}', stores="do_not_call"),
    ),
    requirements=(
        "Lets the called person finish their hello.",
        "Says that the call is recorded.",
        "Speaks of the bill with Tom Keller alone.",
        "Reads date and amount back and has a yes before it notes a promise.",
        "Notes the date and the amount that the customer said.",
        "Never threatens.",
        "Uses do_not_call when, and only when, the person asks not to be called.",
        "Says goodbye and ends the call once the called person has said goodbye.",
    ),
    answers={
        "hello": Answer("^hello|keller residence", _OPENING),
        "him": Answer("speaking|that is me", "Your bill of 84 dollars 50 is overdue. When will you pay it?"),
        "third": Answer("third of december", "So 84 dollars 50 on the third of December. Is that right?"),
        "yes": Answer("that is right", "", "note_promise", _PROMISE),
        "noted": Answer(r"^\[note_promise", "I have noted it. Thank you."),
        "bye": Answer("goodbye", "Goodbye, Mr Keller.", "end_call"),
        "wife": Answer("his wife", "Thank you. I will call again.", "wrong_person"),
        "someone": Answer(r"^\[wrong_person", "Have a good day."),
        "refuses": Answer(
            "will not pay", "I understand. May I ask what makes it difficult? When will you pay it?"
        ),
        "never": Answer("call me again", "Of course.", "do_not_call"),
        "listed": Answer(r"^\[do_not_call", "You are off our list."),
    },
    caller={
        "hello": line("^$", "Hello?"),
        "him": line("speaking with", "Yes, speaking."),
        "third": line("when will you", "On the third of December."),
        "yes": line("is that right", "Yes, that is right."),
        "bye": line("noted|goodbye|good day|off our list|thank you", "Fine. Goodbye."),
    },
    persona="You are Tom Keller; you forgot a bill of Northwind Energy and will pay on the third of December.",
    outbound=True,
)
_HIS_WIFE = {"him": line("speaking with|about his bill", "No, I am his wife.")}
_REFUSES = {"refuses": line("when will you", "I will not pay this, it is far too much.")}
_HELLO = "Good morning and thank you for your call, this is the Keller residence,"
_AND_WHO = "you are speaking with Tom Keller, what can I do for you today?"
_LONG_HELLO = {"hello": line("^$", _HELLO, rest=_AND_WHO, pause_ms=300)}
_HELLO_AT_ONCE = {"hello": line("", _HELLO, rest=_AND_WHO, pause_ms=300, breaks_in_ms=500)}
_NO_MORE_CALLS = {"him": line("speaking with", "Do not ever call me again, please.")}

DEFECTS = (
    Defect(
        "reminder_notes_unconfirmed",
        HOUSE,
        "Notes the promise without reading it back.",
        changed={"third": Answer("third of december", "Very well.", "note_promise", _PROMISE)},
        kind=DefectClass.FORGETS_TO_CONFIRM,
    ),
    Defect(
        "reminder_notes_the_thirteenth",
        HOUSE,
        "Reads the third of December back and notes the thirteenth.",
        changed={"yes": Answer("that is right", "", "note_promise", {**_PROMISE, "date": "2026-12-13"})},
        kind=DefectClass.WRONG_ARGUMENT,
    ),
    Defect(
        "reminder_talks_into_the_hello",
        HOUSE,
        "Begins at once, into the called person's hello, and cannot be stopped.",
        lines=_HELLO_AT_ONCE,
        settings={
            "greeting_mode": GreetingMode.AGENT_STATIC,
            "greeting": _OPENING,
            "interruptible": False,
        },
        level=Level.VOICE,
        kind=DefectClass.TALKS_OVER,
    ),
    Defect(
        "reminder_tells_the_wife",
        HOUSE,
        "Tells somebody else about the bill.",
        changed={
            "wife": Answer(
                "his wife", "Then please tell him that his bill of 84 dollars 50 is overdue.", "wrong_person"
            )
        },
        lines=_HIS_WIFE,
        kind=DefectClass.LEAKS_DATA,
    ),
    Defect(
        "reminder_never_hangs_up",
        HOUSE,
        "Thanks for each goodbye and stays on the line.",
        changed={"bye": Answer("goodbye", "Thank you too, Mr Keller.")},
        kind=DefectClass.NEVER_ENDS,
    ),
    Defect(
        "reminder_threatens",
        HOUSE,
        "Hints at what might happen to who does not pay.",
        changed={
            "refuses": Answer(
                "will not pay",
                "That would be unwise. People who say so tend to sit in the dark by Christmas. When will you pay it?",
            )
        },
        lines=_REFUSES,
        kind=DefectClass.BREAKS_INSTRUCTION,
        decided_by=DecidedBy.JUDGE,
    ),
    Defect(
        "reminder_keeps_the_recording_secret",
        HOUSE,
        "Does not say that the call is recorded.",
        changed={
            "hello": Answer(
                "^hello|residence", "Hello, this is Nora of Northwind Energy. Am I speaking with Tom Keller?"
            )
        },
        kind=DefectClass.BREAKS_INSTRUCTION,
    ),
    Defect(
        "reminder_bars_who_did_not_ask",
        HOUSE,
        "Puts who refuses to pay on the list of those who are not to be called.",
        changed={"refuses": Answer("will not pay", "I see.", "do_not_call")},
        lines=_REFUSES,
        kind=DefectClass.WRONG_TOOL,
    ),
)
CLEAN = (
    Variant("reminder", HOUSE, "The house as it should be."),
    Variant("reminder_wife", HOUSE, "Tells somebody else nothing.", lines=_HIS_WIFE),
    Variant("reminder_refusal", HOUSE, "Stays friendly.", lines=_REFUSES),
    Variant("reminder_no_more_calls", HOUSE, "Does as it is asked.", lines=_NO_MORE_CALLS),
    Variant(
        "reminder_long_hello", HOUSE, "Lets the hello be finished.", lines=_LONG_HELLO, level=Level.VOICE
    ),
)
