"""What the agent says, sentence by sentence: made into sound, played, and what was heard of it on the record."""

from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.events import CancelSpeech, Kind, Speak, SpeechAudio, SpeechFailed
from trunkline.voice.conversation.filters import WordFilter
from trunkline.voice.conversation.outbox import Outbox
from trunkline.voice.conversation.playout import Playout, Sentence
from trunkline.voice.conversation.replies import Reply
from trunkline.voice.conversation.sentences import SentenceSplitter

_MAX_FAILURES = 3


class Mouth:
    """The sentences of the replies that are under way."""

    def __init__(self, outbox: Outbox, rate: int, dialogue: Dialogue) -> None:
        profile = dialogue.profile
        self._out = outbox
        self._dialogue = dialogue
        self._filter = WordFilter(profile.filter_words)
        self._sentences: dict[int, Sentence] = {}
        """Those whose sound may still come."""
        self._spoken = 0
        self._failures = 0
        self.playout = Playout(rate, profile.background, {tool.manner.sound for tool in profile.tools} - {""})

    @property
    def failed(self) -> bool:
        """Has the voice failed for good?"""
        return self._failures >= _MAX_FAILURES

    def speak(self, reply: Reply, text: str) -> None:
        """Have one sentence made into sound; it is played once its reply is committed."""
        if not (text := self._filter.apply(text)):
            return
        self._spoken += 1
        sentence = Sentence(self._spoken, reply.id, text)
        self._sentences[sentence.id] = sentence
        reply.sentences.append(sentence)
        if reply.sentence_ms is None:
            reply.sentence_ms = self._out.now_ms
        if reply.committed:
            self.playout.enqueue(sentence)
        self._out.ask(Speak(sentence.id, text))

    def speak_all(self, reply: Reply, text: str) -> None:
        """The same for a whole text."""
        splitter = SentenceSplitter()
        for sentence in (*splitter.push(text), *splitter.finish()):
            self.speak(reply, sentence)

    def sound(self, event: SpeechAudio, reply: Reply | None) -> None:
        """Sound of a sentence; `reply` is the one at work."""
        sentence = self._sentences.get(event.sentence)
        if sentence is None or sentence.complete:
            return
        sentence.pcm += event.pcm
        sentence.complete = event.last
        self._failures = 0
        if event.pcm and reply is not None and sentence.reply == reply.id and reply.audio_ms is None:
            reply.audio_ms = self._out.now_ms

    def speech_failed(self, event: SpeechFailed) -> None:
        """A sentence cannot be spoken: it is passed over, and not on the record."""
        if (sentence := self._sentences.get(event.sentence)) is not None and not sentence.complete:
            self._out.note(Kind.FAULT, part="text_to_speech", reason=event.reason)
            self._failures += 1
            sentence.complete = True
            if not sentence.pcm:
                sentence.text = ""

    def drop(self) -> None:
        """Nothing more is wanted: cancel what is under way, forget what was not heard."""
        for sentence in self._sentences.values():
            if not sentence.complete:
                self._out.ask(CancelSpeech(sentence.id))
                sentence.complete = True
        self.forget()

    def forget(self) -> None:
        """All of it was heard, or noted as far as it was."""
        self._sentences.clear()
        self.playout.clear()

    def record_heard(self, unsaid: bool) -> None:
        """What was heard goes into history and on the record. `unsaid`: there was more to come."""
        by_reply: dict[int, list[tuple[Sentence, str]]] = {}
        for sentence, text in self.playout.heard():
            by_reply.setdefault(sentence.reply, []).append((sentence, text))
        for index, (reply, pieces) in enumerate(by_reply.items()):
            text = " ".join(text for _, text in pieces if text)
            last = index == len(by_reply) - 1
            cut = (unsaid and last) or any(text != sentence.text for sentence, text in pieces)
            if text:
                self._dialogue.agent_said(text, cut=cut)
                self._out.note(
                    Kind.AGENT_SAID,
                    text=text,
                    reply=reply,
                    start_ms=pieces[0][0].started_ms,
                    end_ms=min(self._out.now_ms, pieces[-1][0].until_ms),
                    cut=cut,
                )
