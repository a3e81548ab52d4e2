"""Calls that WebSocket carriers bring: who may open a stream, and whose call it is."""
