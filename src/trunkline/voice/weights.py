"""The numbers inside an ONNX file, for a model that runs faster by hand than in onnxruntime.

Reads as much of protobuf (https://protobuf.dev/programming-guides/encoding) and of ONNX's messages (onnx.proto3) as
tells a model's constants: the whole library for it is 17 MB.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MODEL_GRAPH = 7
_GRAPH_NODE = 1
_NODE_OUTPUT, _NODE_ATTRIBUTE = 2, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 5, 6
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW = 1, 2, 9
_FLOAT = 1


def constants(model: Path) -> dict[str, Floats]:
    """Every constant of 32-bit floats, those of the branches of an `If` as well, by the name of its output.

    Raises ValueError for what is no such file.
    """
    found: dict[str, Floats] = {}
    try:
        for field, graph in _fields(memoryview(model.read_bytes())):
            if field == _MODEL_GRAPH and isinstance(graph, memoryview):
                found.update(_of_graph(graph))
    except IndexError:
        raise ValueError(f"{model} is cut short") from None
    return found


def _of_graph(graph: memoryview) -> Iterator[tuple[str, Floats]]:
    for field, node in _fields(graph):
        if field != _GRAPH_NODE or not isinstance(node, memoryview):
            continue
        output = ""
        for part, value in _fields(node):
            if part == _NODE_OUTPUT and isinstance(value, memoryview):
                output = output or bytes(value).decode()
            elif part == _NODE_ATTRIBUTE and isinstance(value, memoryview):
                yield from _of_attribute(value, output)


def _of_attribute(attribute: memoryview, output: str) -> Iterator[tuple[str, Floats]]:
    for field, value in _fields(attribute):
        if field == _ATTRIBUTE_GRAPH and isinstance(value, memoryview):
            yield from _of_graph(value)
        elif field == _ATTRIBUTE_TENSOR and isinstance(value, memoryview):
            tensor = _tensor(value)
            if tensor is not None:
                yield output, tensor


def _tensor(message: memoryview) -> Floats | None:
    """None for one of another type, or whose numbers lie elsewhere."""
    dims: list[int] = []
    kind, raw = 0, None
    for field, value in _fields(message):
        if field == _TENSOR_DIMS:
            dims += [value] if isinstance(value, int) else _varints(value)
        elif field == _TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif field == _TENSOR_RAW and isinstance(value, memoryview):
            raw = value
    if kind != _FLOAT or raw is None:
        return None
    return np.frombuffer(raw, "<f4").reshape(dims)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The number and the value of each field; messages, texts and packed numbers as bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
            case 2:
                size, at = _varint(message, at)
                yield key >> 3, message[at : at + size]
                at += size
            case 1:
                at += 8
            case 5:
                at += 4
            case other:
                raise ValueError(f"no protobuf: wire type {other}")


def _varints(packed: memoryview) -> list[int]:
    values: list[int] = []
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first; and where the next thing begins."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
