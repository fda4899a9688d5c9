"""Exports trained weights as the files the engine reads.

usage: python export.py WEIGHTS.pt OUT_DIR

Uses the dynamo exporter (the older tracer is known to export some graphs wrongly), checks the graph against torch
on two lengths, and writes the int8 form: dynamic quantisation of the linear layers.
"""

import json
import sys
from pathlib import Path

import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from model import ALPHABET, Recogniser, WaveformRecogniser


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    weights, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    recogniser = Recogniser()
    recogniser.load_state_dict(torch.load(weights))
    model = WaveformRecogniser(recogniser).eval()
    full = out / "model.onnx"
    torch.onnx.export(
        model, (torch.randn(2, 16000),), str(full), input_names=["input_values"], output_names=["logits"],
        opset_version=18, dynamo=True, external_data=False, verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("samples", min=1600, max=960000)},),
    )
    session = onnxruntime.InferenceSession(str(full))
    for length in (8000, 33333):
        wave = torch.randn(1, length)
        difference = abs(session.run(None, {"input_values": wave.numpy()})[0] - model(wave).detach().numpy()).max()
        if difference > 1e-2:
            sys.exit(f"the exported graph differs from torch by {difference} at {length} samples")
    quantize_dynamic(str(full), str(out / "model_quantized.onnx"), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
    full.unlink()

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
