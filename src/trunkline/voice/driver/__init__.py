"""Does what a session asks for, and feeds it what comes of it.

The session is pure: its ticks and events give requests, and it never waits. A driver stands between it and the
providers of one call:

    session.tick / session.feed ──► requests ──► Jobs ──► speech, language, tools
          ▲                                       │
          └───────────── events ◄──── clock ◄─────┘ what they give

    request                                work                              events it is answered with
    StartHearing, Hear                     SpeechToText.open, push           (Words, by itself, where it has partials)
    AskWords                               Hearing.words                     Words, or none if that fails
    FinishHearing                          Hearing.finish                    Words (final) | HearingFailed
    JudgeTurn                              TurnModel.complete                TurnVerdict (None if that fails)
    StartReply                             LanguageModel.reply               ReplyText, ReplyTool …, ReplyDone | ReplyFailed
    Speak                                  TextToSpeech.speak, resampled     SpeechAudio …, the last one `last` | SpeechFailed
    RunTool, CancelTool                    run_tool                          ToolResult, `ok` or not
    CancelReply, CancelSpeech, DropHearing the work stops                    nothing of it, from now on
    Note, CloseLine, Flush                 the host's: its record, its line

- `job.py`: one request at work, and the `Clock` that decides when an event of it is fed.
- `jobs.py`: turns requests into jobs; the only place that knows what is done for which request.
- `wall.py`: the clock of a real call: at once, under the lock that guards the session against the beat.
- `ticked.py`: the clock of a simulated call: at `request tick + latency` (`latency.py`), whatever the real speed.
- `budgets.py`: how long providers may take; `sound.py`: their sound on its way to the line's rate.

Rules: each request is answered, cancelled, or void when the call is closed. What was cancelled says nothing more,
even if it was made already. Sentences are made two at a time and fed in the order they were asked for. A tool runs
to its end. Whatever a provider raises is a failure of that request and of nothing else. Logs say which work failed
and with what kind of error, never what was said.
"""
