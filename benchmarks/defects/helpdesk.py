"""An internet provider's help desk."""

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
    passed_on,
    passing_on,
    tool,
)
from trunkline.voice.conversation.profile import Profile

TECHNICIAN, SALES, COMPLAINTS = "+16175550150", "+16175550160", "+16175550170"
_STEPS = (
    "Please pull the power plug of the router, count slowly to thirty, plug it in again, wait until the second lamp from "
    "the left is green and does not blink any more, and then try to open a page. Is it working now?"
)
_TICKET = {"customer": "40718", "summary": "No internet after a restart", "priority": "normal"}

HOUSE = House(
    name="helpdesk",
    profile=Profile(
        prompt=(
            "You are Iris of the help desk of Fern Internet. Ask for the customer number and check the line with "
            "check_line. Then have the caller restart the router. Only if that does not help, open one ticket with "
            "open_ticket, priority normal; priority high is for business customers. Complaints go to the complaints "
            "desk, orders to sales, and only who has an open ticket is passed to a technician. Never name another "
            "provider, never promise when it works again or that a fee is paid back. When the caller says goodbye, say "
            "goodbye and end the call."
        ),
        greeting="Fern Internet, this is Iris. What is the trouble?",
    ),
    mocks=(
        Mock(
            tool("check_line", "Measures the line", customer="Customer number"),
            '{"line": "good", "business": false}',
        ),
        Mock(
            tool(
                "open_ticket",
                "Opens a ticket",
                customer="Customer number",
                summary="What is wrong",
                priority=("normal", "high"),
            ),
            '{"ticket": "T-2209"}',
            stores="tickets",
        ),
        passing_on(technician=TECHNICIAN, sales=SALES, complaints=COMPLAINTS),
    ),
    requirements=(
        "Checks the line of the customer number that the caller gave.",
        "Has the caller restart the router before it opens a ticket.",
        "Opens at most one ticket, priority normal for who is no business customer.",
        "Passes complaints to the complaints desk and orders to sales.",
        "Never names another provider.",
        "Never promises when it works again or that a fee is paid back.",
        "Lets the caller break in.",
        "Says goodbye and ends the call once the caller has said goodbye.",
    ),
    answers={
        "trouble": Answer("internet is down", "I am sorry. What is your customer number?"),
        "number": Answer("four zero seven one eight", "", "check_line", {"customer": "40718"}),
        "line": Answer(r"^\[check_line", f"Your line is good. {_STEPS}"),
        "still": Answer("still nothing", "", "open_ticket", _TICKET),
        "ticket": Answer(
            r"^\[open_ticket", "I have opened ticket T 2209; a colleague looks at it. Anything else?"
        ),
        "works": Answer("it works", "I am glad. Anything else?"),
        "bye": Answer("goodbye", "Thank you for calling Fern Internet. Goodbye!", "end_call"),
        "complaint": passed_on("complain", "I put you through to our complaints desk.", "complaints"),
        "order": passed_on("second line", "I put you through to sales.", "sales"),
        "when": Answer(
            "how long", "I cannot say how long it takes; the colleague will call you. Anything else?"
        ),
        "other": Answer("who else", "I can only speak for Fern. Anything else?"),
    },
    caller={
        "trouble": line("trouble", "My internet is down since this morning."),
        "number": line("customer number", "Four zero seven one eight."),
        "still": line("working now|is it on", "No, still nothing."),
        "bye": line("anything else", "No. Goodbye."),
    },
    persona="You are a customer of Fern Internet, number 40718. Your internet is down, and a restart does not help.",
)
_COMPLAINS = {"trouble": line("trouble", "I want to complain about your prices.")}
_ORDERS = {"trouble": line("trouble", "I would like a second line for my office.")}
_ASKS_HOW_LONG = {"when": line("opened ticket", "How long will that take?")}
_ASKS_FOR_OTHERS = {"other": line("opened ticket", "And who else has internet in my street?")}
_WORKS_EARLY = {"works": line("count slowly", "Ah, it works already, thank you.", breaks_in_ms=4000)}

DEFECTS = (
    Defect(
        "helpdesk_checks_another_line",
        HOUSE,
        "Checks the line of another customer number.",
        changed={"number": Answer("four zero seven one eight", "", "check_line", {"customer": "47018"})},
        kind=DefectClass.WRONG_ARGUMENT,
    ),
    Defect(
        "helpdesk_reads_all_steps",
        HOUSE,
        "Cannot be interrupted while it explains the restart.",
        lines=_WORKS_EARLY,
        settings={"interruptible": False},
        level=Level.VOICE,
        kind=DefectClass.TALKS_OVER,
    ),
    Defect(
        "helpdesk_restarts_for_ever",
        HOUSE,
        "Has the caller restart the router again and again.",
        changed={"still": Answer("still nothing", _STEPS)},
        kind=DefectClass.LOOPS,
    ),
    Defect(
        "helpdesk_promises_an_hour",
        HOUSE,
        "Promises that it works again within the hour, and the fee back.",
        changed={
            "when": Answer(
                "how long", "By lunch you are online again, and this month costs you nothing. Anything else?"
            )
        },
        lines=_ASKS_HOW_LONG,
        kind=DefectClass.PROMISES,
        decided_by=DecidedBy.JUDGE,
    ),
    Defect(
        "helpdesk_names_a_competitor",
        HOUSE,
        "Names another provider.",
        changed={"other": Answer("who else", "Bluewire is in your street, and quick. Anything else?")},
        lines=_ASKS_FOR_OTHERS,
        kind=DefectClass.BREAKS_INSTRUCTION,
    ),
    Defect(
        "helpdesk_opens_a_ticket_at_once",
        HOUSE,
        "Opens a ticket before the caller has restarted anything.",
        changed={"line": Answer(r"^\[check_line", "Your line is good.", "open_ticket", _TICKET)},
        kind=DefectClass.WRONG_TOOL,
    ),
    Defect(
        "helpdesk_sends_complaints_to_sales",
        HOUSE,
        "Passes who complains to sales.",
        changed={"complaint": passed_on("complain", "I put you through to a colleague.", "sales")},
        lines=_COMPLAINS,
        kind=DefectClass.WRONG_TRANSFER,
    ),
)
CLEAN = (
    Variant("helpdesk", HOUSE, "The house as it should be."),
    Variant("helpdesk_complaint", HOUSE, "Passes who complains to the complaints desk.", lines=_COMPLAINS),
    Variant("helpdesk_order", HOUSE, "Passes who orders to sales.", lines=_ORDERS),
    Variant("helpdesk_how_long", HOUSE, "Promises nothing.", lines=_ASKS_HOW_LONG),
    Variant("helpdesk_others", HOUSE, "Speaks for its own house alone.", lines=_ASKS_FOR_OTHERS),
    Variant(
        "helpdesk_works", HOUSE, "Stops when the caller breaks in.", lines=_WORKS_EARLY, level=Level.VOICE
    ),
)
