"""Turns a published int8 model back into weights that training can go on from.

usage: python import_weights.py model_quantized.onnx OUT.pt
"""

import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from model import Recogniser


def main() -> None:
    graph = onnx.load(sys.argv[1]).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    recogniser = Recogniser()
    wanted = recogniser.state_dict()
    linear = [name for name, module in recogniser.named_modules() if isinstance(module, torch.nn.Linear)]
    # Linear weights lost their names in the export: they are the int8 matrices, transposed, in the order of use.
    matrices = [name.removesuffix("_quantized") for name in values if name.endswith("_quantized")]
    # In a block, `expand` and `project` come before the gate, as they do among its modules.
    for layer, matrix in zip(linear, matrices, strict=True):
        scale, zero = values[f"{matrix}_scale"], values[f"{matrix}_zero_point"]
        wanted[f"{layer}.weight"] = torch.from_numpy(((values[f"{matrix}_quantized"].astype(np.float32) - zero) * scale).T.copy())
    # Everything else kept its place: the float tensors come in the order of the modules.
    others = [name for name in wanted if not (name.endswith(".weight") and name.removesuffix(".weight") in linear)]
    floats = [value for name, value in values.items() if "." in name and not name.startswith("mel.")]
    for name, value in zip(others, floats, strict=True):
        if tuple(value.shape) != tuple(wanted[name].shape):
            sys.exit(f"{name} has another shape in this model")
        wanted[name] = torch.from_numpy(value.copy())
    recogniser.load_state_dict(wanted)
    torch.save(recogniser.state_dict(), sys.argv[2])


if __name__ == "__main__":
    main()
