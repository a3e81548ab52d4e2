"""Text messages between agents and people: what was sent, what came back, and who waits for it."""
