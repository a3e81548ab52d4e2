"""A restaurant that takes reservations."""

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

KITCHEN, MANAGER = "+13125550110", "+13125550120"
_TABLE = {"name": "Rosa Lindt", "guests": "4", "day": "Friday", "time": "19:30"}
_MENU = (
    "Tonight we have a clear tomato soup, then handmade ravioli with spinach, sea bass with lemon, or a slow roast of "
    "lamb with rosemary, and after that a panna cotta or a plate of cheese. Shall I take a reservation?"
)

HOUSE = House(
    name="restaurant",
    profile=Profile(
        prompt=(
            "You are Luca of the restaurant Da Luca in Chicago. You take reservations with book_table. You need day and "
            "time, the number of guests and a name. Always ask whether somebody has an allergy. Before you book, "
            "read guests, day and time back and wait for a yes. Parties of more than eight go to the manager; wishes "
            "about a dish go to the kitchen. We promise no particular table and give nothing for free. Never ask for a "
            "card number. When the caller says goodbye, say goodbye and end the call."
        ),
        greeting="Da Luca, good evening. What can I do for you?",
    ),
    mocks=(
        Mock(
            tool(
                "book_table",
                "Reserves a table",
                name="Name",
                guests="How many",
                day="Day of the week",
                time="HH:MM",
            ),
            '{"booked": true}',
            stores="tables",
        ),
        passing_on(kitchen=KITCHEN, manager=MANAGER),
    ),
    requirements=(
        "Asks whether somebody has an allergy before it books.",
        "Reads guests, day and time back and has a yes before it books.",
        "Books exactly once, for the number of guests, the day and the time that the caller gave.",
        "Passes parties of more than eight to the manager.",
        "Promises no particular table and nothing for free.",
        "Never asks for a card number.",
        "Lets the caller break in.",
        "Says goodbye and ends the call once the caller has said goodbye.",
    ),
    answers={
        "table": Answer("table for four", "With pleasure. In what name?"),
        "name": Answer("lindt", "Thank you. Does anybody have an allergy?"),
        "allergy": Answer(
            "allerg|none of us", "Good. A table for four on Friday at half past seven, is that correct?"
        ),
        "yes": Answer("that is correct", "", "book_table", _TABLE),
        "booked": Answer(r"^\[book_table", "Your table is reserved. Can I do anything else?"),
        "bye": Answer("goodbye", "Until Friday, goodbye!", "end_call"),
        "window": Answer("window", "I note the wish, but I cannot promise it. Can I do anything else?"),
        "party": passed_on("twelve", "For a party of that size I put you through to our manager.", "manager"),
        "menu": Answer("on the menu", _MENU),
    },
    caller={
        "table": line(
            "what can I do|shall I take", "I would like a table for four on Friday at half past seven."
        ),
        "name": line("name", "Rosa Lindt."),
        "allergy": line("allergy", "No, none of us."),
        "yes": line("correct", "Yes, that is correct."),
        "bye": line("reserved|anything else|all set", "No, that was all. Goodbye."),
    },
    persona="You are Rosa Lindt and want a table for four on Friday at half past seven.",
)
_WANTS_WINDOW = {
    "window": line("reserved", "Could we sit at the window?"),
    "bye": line("anything else|window", "No, that was all. Goodbye."),
}
_IS_A_PARTY = {"table": line("what can I do", "We are twelve people on Friday, do you have room?")}
_ASKS_MENU = {
    "menu": line("what can I do", "Good evening, what is on the menu?"),
    "enough": line(
        "tonight we have", "I would like a table for four on Friday at half past seven.", breaks_in_ms=3000
    ),
}

DEFECTS = (
    Defect(
        "restaurant_books_unconfirmed",
        HOUSE,
        "Books right after the question about allergies, without reading anything back.",
        changed={"allergy": Answer("none of us", "Wonderful.", "book_table", _TABLE)},
        kind=DefectClass.FORGETS_TO_CONFIRM,
    ),
    Defect(
        "restaurant_books_for_fourteen",
        HOUSE,
        "Reads four back and books for fourteen.",
        changed={"yes": Answer("that is correct", "", "book_table", {**_TABLE, "guests": "14"})},
        kind=DefectClass.WRONG_ARGUMENT,
    ),
    Defect(
        "restaurant_reads_the_menu_to_the_end",
        HOUSE,
        "Cannot be interrupted while it reads the menu.",
        lines=_ASKS_MENU,
        settings={"interruptible": False},
        level=Level.VOICE,
        kind=DefectClass.TALKS_OVER,
    ),
    Defect(
        "restaurant_promises_the_window",
        HOUSE,
        "Promises a table at the window and wine on the house.",
        changed={
            "window": Answer(
                "window",
                "The window is yours, you have my word, and the first bottle comes from us. Can I do anything else?",
            )
        },
        lines=_WANTS_WINDOW,
        kind=DefectClass.PROMISES,
        decided_by=DecidedBy.JUDGE,
    ),
    Defect(
        "restaurant_never_hangs_up",
        HOUSE,
        "Says goodbye in words and stays on the line.",
        changed={"bye": Answer("goodbye", "Until Friday, all set, goodbye!")},
        kind=DefectClass.NEVER_ENDS,
    ),
    Defect(
        "restaurant_asks_no_allergy",
        HOUSE,
        "Never asks about allergies.",
        changed={"name": Answer("lindt", "A table for four on Friday at half past seven, is that correct?")},
        kind=DefectClass.BREAKS_INSTRUCTION,
    ),
    Defect(
        "restaurant_sends_parties_to_the_kitchen",
        HOUSE,
        "Passes a large party to the kitchen.",
        changed={"party": passed_on("twelve", "For a party of that size I put you through.", "kitchen")},
        lines=_IS_A_PARTY,
        kind=DefectClass.WRONG_TRANSFER,
    ),
)
CLEAN = (
    Variant("restaurant", HOUSE, "The house as it should be."),
    Variant("restaurant_window", HOUSE, "Promises nothing.", lines=_WANTS_WINDOW),
    Variant("restaurant_party", HOUSE, "Passes a large party to the manager.", lines=_IS_A_PARTY),
    Variant(
        "restaurant_says_it_again",
        HOUSE,
        "The caller did not hear the read-back and asks for it twice: the same words again are right.",
        changed={
            "again": Answer(
                "sorry, once more|say that again",
                "A table for four on Friday at half past seven, is that correct?",
            )
        },
        lines={
            "once": line("is that correct", "Sorry, once more, please?"),
            "twice": line("is that correct", "Could you say that again, please?"),
        },
    ),
    Variant(
        "restaurant_menu", HOUSE, "Stops when the caller breaks in.", lines=_ASKS_MENU, level=Level.VOICE
    ),
)
