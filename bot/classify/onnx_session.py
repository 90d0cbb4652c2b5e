"""ONNX Runtime on the processor, as every detector here runs it."""

from __future__ import annotations

from typing import Any


def open_session(model: bytes | str, *, threads: int) -> Any:
    """An inference session. ``model``: its bytes, or a path where its weights are in files beside it.

    ``threads``: of the processor, 0: one for each core. Raises what ONNX Runtime raises.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    # Waiting threads must not burn the cores that decode the next pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
