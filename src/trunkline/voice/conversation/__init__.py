"""The heart: a conversation as a pure function of its ticks and events.

    session.tick(frame, speech, queued) -> (sound, requests)    moves time by 20 ms
    session.feed(event)                 -> requests             something came back; time stands still

No clock, no socket, no thread, no file: the same code serves a real call, a simulated one and a property test.

    session    time, events and the end; the face of all this
    floor      who has the floor: the state machine that joins the parts below
    opening    how it begins: the question about the recording (`consent`), the greeting
    machine    a machine answered (`voicemail` knows by words, a `beep` and length): leave a message or hang up
    hearing    what the caller says: segments, words, the turn they make up
    turns      rules of turn-taking over words and pauses: is it complete, is it a back-channel
    playout    what we say: sentences as sound, what of it was heard, pause, fade, resume, cut
    replies    one reply of the model: text into sentences, tools, speculation
    dialogue   prompt, history, tools; shared by calls, chats and text simulations
    ending     the agent's own reasons to end a call
    phrases    what it says where its settings say nothing, by language
    filters    words that it never says
    background the sound of the place it talks from
    ledger     where the time of a turn went
    echo       is that voice only our own sound coming back?
"""
