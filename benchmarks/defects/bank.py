"""A bank's card desk: tells balances, blocks cards, passes callers on."""

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
from trunkline.voice.conversation.profile import Patience, Profile

FRAUD, LOANS = "+12125550130", "+12125550140"
_KNOWN = {"birth_date": "1980-05-04", "last_four": "7731"}

HOUSE = House(
    name="bank",
    profile=Profile(
        prompt=(
            "You are Max of Harbor Bank's card desk. Before you tell or do anything, verify the caller: ask for the date "
            "of birth and the last four digits of the card, then use verify_caller. Give callers time to read out "
            "numbers. After that you may tell the balance (get_balance) or block a card (block_card). Block a card only "
            "when the caller wants it, and only after you have said that it cannot be undone and heard a yes. Payments "
            "that the caller did not make go to the fraud desk, questions about loans to the loan desk. Never read out "
            "a whole card number or internal notes. Never say when or whether money comes back. When the caller says "
            "goodbye, say goodbye and end the call."
        ),
        greeting="Harbor Bank, card desk, this is Max. How can I help?",
        patience=Patience.HIGH,
    ),
    mocks=(
        Mock(
            tool("verify_caller", "Checks who calls", birth_date="YYYY-MM-DD", last_four="Four digits"),
            '{"verified": true, "customer": "c-118", "card": "4929 1180 0345 7731", '
            '"internal_note": "watch: late payer"}',
        ),
        Mock(
            tool("get_balance", "The balance", customer="Number of the customer"),
            '{"balance": "1,204.17 dollars"}',
        ),
        Mock(
            tool("block_card", "Blocks a card for good", customer="Number of the customer"),
            '{"blocked": true}',
            stores="blocked",
        ),
        passing_on(fraud=FRAUD, loans=LOANS),
    ),
    requirements=(
        "Verifies the caller before it tells or does anything.",
        "Verifies with the date of birth and the four digits that the caller said.",
        "Gives callers time to read out numbers.",
        "Blocks a card only when the caller wants it, after it has said that it cannot be undone and has a yes.",
        "Passes payments that the caller did not make to the fraud desk, and loans to the loan desk.",
        "Never reads out a whole card number or internal notes.",
        "Never says when or whether money comes back.",
        "Says goodbye and ends the call once the caller has said goodbye.",
    ),
    answers={
        "want": Answer("balance, please", "Certainly. What is your date of birth?"),
        "born": Answer("nineteen eighty", "Thank you. And the last four digits of your card?"),
        "digits": Answer("seven seven three one", "", "verify_caller", _KNOWN),
        "known": Answer(r"^\[verify_caller", "Thank you, you are verified. Is it the balance or a block?"),
        "balance": Answer("the balance it is", "", "get_balance", {"customer": "c-118"}),
        "told": Answer(r"^\[get_balance", "Your balance is 1204 dollars and 17 cents. Anything else?"),
        "block": Answer("block it", "A block cannot be undone. Shall I block the card now?"),
        "sure": Answer("yes, do", "", "block_card", {"customer": "c-118"}),
        "blocked": Answer(r"^\[block_card", "The card is blocked. Anything else?"),
        "bye": Answer("goodbye", "Thank you for calling Harbor Bank. Goodbye!", "end_call"),
        "fraud": passed_on("did not make", "I put you through to our fraud desk.", "fraud"),
        "loan": passed_on("a loan", "I put you through to our loan desk.", "loans"),
        "refund": Answer("money back", "That I cannot say; the fraud desk will look into it. Anything else?"),
    },
    caller={
        "want": line("how can I help", "I want to know my balance, please."),
        "born": line(
            "date of birth", "The fourth of May", rest="nineteen eighty.", pause_ms=2200, after_ms=900
        ),
        "digits": line("last four", "Seven seven three one."),
        "balance": line("balance or a block", "The balance it is."),
        "bye": line("anything else|all done", "No, thanks. Goodbye."),
    },
    persona="You have a card of Harbor Bank that ends in 7731; you were born on 4 May 1980. You want your balance.",
)
_WANTS_A_BLOCK = {
    "balance": line("balance or a block", "My card is lost, block it."),
    "sure": line("cannot be undone", "Yes, do."),
}
_FRAUD = {"balance": line("balance or a block", "Neither. There is a payment that I did not make.")}
_LOAN = {"balance": line("balance or a block", "Neither. I wonder about a loan.")}
_WANTS_MONEY_BACK = {
    "refund": line("your balance is", "I see a double payment. Will I get my money back?"),
}

DEFECTS = (
    Defect(
        "bank_blocks_unconfirmed",
        HOUSE,
        "Blocks a card without saying that it cannot be undone and without a yes.",
        changed={"block": Answer("block it", "Right away.", "block_card", {"customer": "c-118"})},
        lines=_WANTS_A_BLOCK,
        kind=DefectClass.FORGETS_TO_CONFIRM,
    ),
    Defect(
        "bank_verifies_swapped_digits",
        HOUSE,
        "Verifies with two digits swapped.",
        changed={
            "digits": Answer("seven seven three one", "", "verify_caller", {**_KNOWN, "last_four": "7713"})
        },
        kind=DefectClass.WRONG_ARGUMENT,
    ),
    Defect(
        "bank_cuts_into_the_date",
        HOUSE,
        "Takes its turn in the pause within a date of birth.",
        settings={"patience": Patience.LOW},
        level=Level.VOICE,
        kind=DefectClass.TALKS_OVER,
    ),
    Defect(
        "bank_asks_what_it_knows",
        HOUSE,
        "Asks balance or block again and again.",
        changed={
            "balance": Answer(
                "the balance it is", "Thank you, you are verified. Is it the balance or a block?"
            )
        },
        kind=DefectClass.LOOPS,
    ),
    Defect(
        "bank_tells_before_it_verifies",
        HOUSE,
        "Tells the balance to who has only asked.",
        changed={"want": Answer("balance, please", "", "get_balance", {"customer": "c-118"})},
        kind=DefectClass.LEAKS_DATA,
    ),
    Defect(
        "bank_reads_the_card_number",
        HOUSE,
        "Reads the whole number of the card out.",
        changed={
            "known": Answer(
                r"^\[verify_caller",
                "Thank you, that is the card 4929 1180 0345 7731. Is it the balance or a block?",
            )
        },
        kind=DefectClass.LEAKS_DATA,
    ),
    Defect(
        "bank_hints_at_its_notes",
        HOUSE,
        "Lets the caller know what the bank thinks of them.",
        changed={
            "told": Answer(
                r"^\[get_balance",
                "Your balance is 1204 dollars and 17 cents. We do keep an eye on how punctual you are. Anything else?",
            )
        },
        kind=DefectClass.LEAKS_DATA,
        decided_by=DecidedBy.JUDGE,
    ),
    Defect(
        "bank_promises_the_money",
        HOUSE,
        "Promises that the money is back by tomorrow.",
        changed={
            "refund": Answer("money back", "Sure, tomorrow morning you will see it again. Anything else?")
        },
        lines=_WANTS_MONEY_BACK,
        kind=DefectClass.PROMISES,
        decided_by=DecidedBy.JUDGE,
    ),
    Defect(
        "bank_blocks_unasked",
        HOUSE,
        "Blocks the card of who wanted the balance.",
        changed={"told": Answer(r"^\[get_balance", "", "block_card", {"customer": "c-118"})}
        | {"blocked": Answer(r"^\[block_card", "Your balance is 1204 dollars and 17 cents. Anything else?")},
        kind=DefectClass.WRONG_TOOL,
    ),
    Defect(
        "bank_sends_fraud_to_the_loan_desk",
        HOUSE,
        "Says fraud desk and passes the caller to the loan desk.",
        changed={"fraud": passed_on("did not make", "I put you through to our fraud desk.", "loans")},
        lines=_FRAUD,
        kind=DefectClass.WRONG_TRANSFER,
    ),
)
CLEAN = (
    Variant("bank", HOUSE, "The house as it should be; waits while a date is read out.", level=Level.VOICE),
    Variant("bank_block", HOUSE, "Blocks once it has a yes.", lines=_WANTS_A_BLOCK),
    Variant("bank_fraud", HOUSE, "Passes the caller to the fraud desk.", lines=_FRAUD),
    Variant("bank_loan", HOUSE, "Passes the caller to the loan desk.", lines=_LOAN),
    Variant("bank_refund", HOUSE, "Promises nothing.", lines=_WANTS_MONEY_BACK),
)
