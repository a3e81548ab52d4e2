"""The reader of constants, on a file made by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest

from trunkline.voice.weights import constants


def _field(number: int, content: bytes | str) -> bytes:
    inner = content.encode() if isinstance(content, str) else content
    assert len(inner) < 128
    return bytes([number << 3 | 2, len(inner)]) + inner


def _constant(name: str, kind: int = 1, raw: bytes = struct.pack("<4f", 1, 2, 3, 4)) -> bytes:
    tensor = b"\x08\x02" + _field(1, b"\x02") + bytes([2 << 3, kind]) + _field(9, raw)
    return _field(
        1, _field(2, name) + _field(4, "Constant") + _field(5, _field(1, "value") + _field(5, tensor))
    )


def _model(tmp_path: Path, graph: bytes) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(_field(7, graph))
    return path


def test_constants_are_found_in_branches_too(tmp_path: Path) -> None:
    branch = _field(1, _field(2, "chosen") + _field(5, _field(6, _constant("within"))))
    found = constants(_model(tmp_path, _constant("outside") + branch))
    assert set(found) == {"outside", "within"}
    assert np.array_equal(found["within"], [[1, 2], [3, 4]])


def test_what_is_no_float_is_left_out(tmp_path: Path) -> None:
    assert constants(_model(tmp_path, _constant("count", kind=7))) == {}


def test_other_fields_are_passed_over(tmp_path: Path) -> None:
    others = bytes([10 << 3 | 1]) + bytes(8) + bytes([11 << 3 | 5]) + bytes(4) + bytes([12 << 3, 0x80, 0x01])
    assert set(constants(_model(tmp_path, others + _constant("it")))) == {"it"}


@pytest.mark.parametrize(
    "content", [b"\x07", _field(7, _field(1, b"\x12"))], ids=["a wire type that is none", "cut short"]
)
def test_no_model_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"protobuf|cut short"):
        constants(path)
