"""Handing a call to a person: whom, how, and what came of it. The host does it (`host/transfer.py`)."""
