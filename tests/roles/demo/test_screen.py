"""The conversation as it is shown."""

import io

from rich.console import Console

from trunkline.roles.demo.screen import Screen, turn_text
from trunkline.voice.conversation.events import Kind, Note


def test_both_sides_with_times_and_the_wait() -> None:
    output = io.StringIO()
    screen = Screen(Console(file=output, width=200))
    screen.note(Note(65_300, Kind.CALLER_SAID, {"text": "What are [bold]your hours?", "start_ms": 63_000}))
    screen.note(
        Note(
            66_000, Kind.TURN, {"heard_gap_ms": 1_480, "stages": {"pause": 100, "verdict": 0, "token": 1_380}}
        )
    )
    screen.note(Note(69_000, Kind.AGENT_SAID, {"text": "Nine to five.", "cut": True, "start_ms": 66_050}))
    screen.report({"event": "heard", "turn": 1, "gap_ms": 1_512})
    lines = [line.strip() for line in output.getvalue().splitlines()]
    assert lines == [
        "1:03.0  caller What are [bold]your hours?",
        "1,480 ms: pause 100 · token 1,380",
        "1:06.0  agent  Nine to five. [cut off]",
        "at the caller's ear: 1,512 ms",
    ]


def test_a_turn_that_was_never_answered() -> None:
    assert turn_text({"heard_gap_ms": None, "stages": {}}) == "not answered"
