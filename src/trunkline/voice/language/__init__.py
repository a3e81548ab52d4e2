"""The language model: any OpenAI-compatible endpoint, and the local one."""
