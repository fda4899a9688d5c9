"""Turns a published model back into weights that training can go on from, or export.py can write again.

usage: python import_weights.py model_quantized.onnx OUT.pt
"""

import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from model import Recogniser


def main() -> None:
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(sys.argv[1]).graph.initializer}
    recogniser = Recogniser()
    weights = {}
    for name, wanted in recogniser.state_dict().items():
        published = f"recogniser.{name}"
        if published in values:
            value = values[published]
        else:  # a linear layer: int8 steps [in, out] of one scale, where torch has floats [out, in]
            value = (values[f"{published}.int8"].astype(np.float32) * values[f"{published}.scale"]).T
        if value.shape != tuple(wanted.shape):
            sys.exit(f"{name} has another shape in this model")
        weights[name] = torch.from_numpy(value.copy())
    recogniser.load_state_dict(weights)
    torch.save(recogniser.state_dict(), sys.argv[2])


if __name__ == "__main__":
    main()
