"""onnxruntime, as every local model wants it."""

from pathlib import Path

import onnxruntime


def single_thread_session(model: Path) -> onnxruntime.InferenceSession:
    """One thread in and between operators: the calls are the parallelism, and a spinning pool costs cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
