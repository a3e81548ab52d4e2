"""The demo call on a terminal, as it happens."""

from typing import Any

from rich.console import Console
from rich.text import Text

from trunkline.voice.conversation.events import Kind, Note


class Screen:
    """Prints what the platform heard and said, and how long each turn took and where."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal

    def say(self, text: str) -> None:
        """A remark of the demo itself."""
        self._terminal.print(Text(text, style="dim"))

    def problem(self, text: str) -> None:
        """Something that should not be."""
        self._terminal.print(Text.assemble(("failed: ", "bold red"), text))

    def note(self, note: Note) -> None:
        """A live event of the platform."""
        match note.kind:
            case Kind.CALLER_SAID:
                self._speech("caller", "cyan", note)
            case Kind.AGENT_SAID:
                self._speech("agent", "green", note)
            case Kind.TURN:
                self._under(turn_text(note.data))
            case Kind.BARGE_IN:
                self._under(f"interrupted: {note.data.get('outcome')}")
            case Kind.FAULT:
                self._under(f"fault in {note.data.get('part')}: {note.data.get('reason')}", "red")
            case Kind.ENDED:
                self.say(f"{_clock(note.at_ms)}  the call ended: {note.data.get('reason')}")

    def report(self, report: dict[str, Any]) -> None:
        """An event of the caller's side."""
        match report["event"]:
            case "heard":
                self._under(f"at the caller's ear: {report['gap_ms']:,} ms")
            case "silenced":
                self._under(f"the agent fell silent {report['after_ms']} ms after the interruption began")
            case "unanswered":
                self._under("no answer within 30 s", "red")

    def _speech(self, who: str, colour: str, note: Note) -> None:
        cut = " [cut off]" if note.data.get("cut") else ""
        start = note.data.get("start_ms")
        at = _clock(start if isinstance(start, int) else note.at_ms)
        text = Text.assemble(
            (f"{at}  ", "dim"), (f"{who:<7}", f"bold {colour}"), str(note.data.get("text", ""))
        )
        text.append(cut, style="dim")
        self._terminal.print(text, soft_wrap=True)

    def _under(self, text: str, colour: str = "dim") -> None:
        self._terminal.print(Text(f"{'':14}{text}", style=colour), soft_wrap=True)


def turn_text(ledger: dict[str, Any]) -> str:
    """`1,480 ms: pause 100 · words 90 · …`, the stages that took time."""
    gap = ledger.get("heard_gap_ms")
    parts = " · ".join(f"{name} {ms:,}" for name, ms in ledger.get("stages", {}).items() if ms)
    return f"{gap:,} ms: {parts}" if isinstance(gap, int) else "not answered"


def _clock(ms: int) -> str:
    return f"{ms // 60_000}:{ms // 1000 % 60:02d}.{ms % 1000 // 100}"
