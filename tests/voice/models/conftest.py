"""A small set of model files, made up, and a server that has them."""

import hashlib
import random
from collections.abc import Iterator

import pytest

from tests.voice.models.server import FileServer, file_server
from trunkline.voice.models.manifest import HttpsSource, ModelFile, ModelSet, PypiSource

CONTENT = random.Random(7).randbytes(300_000)


def model_file(name: str, content: bytes) -> ModelFile:
    return ModelFile(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def model_set(*sources: HttpsSource | PypiSource) -> ModelSet:
    return ModelSet("toy", True, "a toy", "MIT", "Toy, MIT", (model_file("toy.bin", CONTENT),), sources)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running
