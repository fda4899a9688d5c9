"""Exports trained weights as the files the engine reads.

usage: python export.py WEIGHTS.pt OUT_DIR

Uses the dynamo exporter (the older tracer is known to export some graphs wrongly), keeps the weights of the linear
layers as int8, and checks the finished file against torch on two lengths. The arithmetic is all float: int8
arithmetic saturates on some processors and not on others, so the same recording would read differently on them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from model import ALPHABET, Recogniser, WaveformRecogniser

INT8_MAX = 127
TOLERANCE = 1e-3  # in logits, which run from about -13 to 15


@torch.no_grad()
def round_linear_layers(recogniser: Recogniser) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Rounds the weights of every linear layer to int8 steps of one scale. Returns steps [in, out] and scale by name."""
    rounded = {}
    for name, layer in recogniser.named_modules():
        if isinstance(layer, torch.nn.Linear):
            scale = layer.weight.abs().max() / INT8_MAX
            steps = (layer.weight / scale).round()
            layer.weight.copy_(steps * scale)
            rounded[f"recogniser.{name}.weight"] = (steps.T.numpy().astype(np.int8), scale.numpy())
    return rounded


def store_as_int8(graph: onnx.GraphProto, rounded: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Replaces the float weights of the linear layers by int8 ones, a Cast and a Mul.

    The runtime folds those two when it loads, and multiplies floats. Not DequantizeLinear: ONNX Runtime fuses it
    with the MatMul behind it into a kernel that rounds the activations to int8 too.
    """
    floats = {tensor.name: tensor for tensor in graph.initializer}
    users = {name: node for node in graph.node for name in node.input}
    nodes = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in floats:
            # The exporter transposed the matrix and lost its name; the bias behind it kept its own.
            weight = users[node.output[0]].input[1].removesuffix("bias") + "weight"
            steps, scale = rounded.pop(weight)
            graph.initializer.remove(floats[node.input[1]])
            for value, kind in ((steps, "int8"), (scale, "scale")):
                graph.initializer.append(numpy_helper.from_array(value, f"{weight}.{kind}"))
            nodes += [
                helper.make_node("Cast", [f"{weight}.int8"], [f"{weight}.steps"], to=TensorProto.FLOAT),
                helper.make_node("Mul", [f"{weight}.steps", f"{weight}.scale"], [weight]),
            ]
            node.input[1] = weight
        nodes.append(node)
    if rounded:
        sys.exit(f"not found in the exported graph: {', '.join(rounded)}")
    del graph.node[:]
    graph.node.extend(nodes)


def strip(model: onnx.ModelProto) -> None:
    """Drops what the exporter notes beside the graph: traces of its own source lines, with the paths of this machine."""
    graph = model.graph
    del graph.value_info[:]
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    weights, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    recogniser = Recogniser()
    recogniser.load_state_dict(torch.load(weights))
    rounded = round_linear_layers(recogniser)
    model = WaveformRecogniser(recogniser).eval()
    program = torch.onnx.export(
        model, (torch.randn(2, 16000),), input_names=["input_values"], output_names=["logits"],
        opset_version=18, dynamo=True, verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("samples", min=1600, max=960000)},),
    )
    exported = program.model_proto
    store_as_int8(exported.graph, rounded)
    strip(exported)
    onnx.checker.check_model(exported, full_check=True)
    path = out / "model_quantized.onnx"
    onnx.save(exported, path)
    session = onnxruntime.InferenceSession(path)
    for length in (8000, 33333):
        wave = torch.randn(1, length)
        difference = abs(session.run(None, {"input_values": wave.numpy()})[0] - model(wave).detach().numpy()).max()
        if difference > TOLERANCE:
            sys.exit(f"the exported graph differs from torch by {difference} at {length} samples")

    vocabulary = {"<pad>": 0, "|": 1, **{character: i + 1 for i, character in enumerate(ALPHABET) if i > 0}, "<unk>": len(ALPHABET) + 1}
    write_json(out / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    })
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": "<pad>", "unk_token": "<unk>", "word_delimiter_token": "|",
    })
    write_json(out / "config.json", {
        "model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"], "vocab_size": len(ALPHABET) + 1, "pad_token_id": 0, "language": "en",
    })
    write_json(out / "preprocessor_config.json", {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": 16000,
        "do_normalize": True, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": False,
    })


if __name__ == "__main__":
    main()
