"""The Python client of Triton, unchanged, through the local proxy: any ONNX model by tensor."""

import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

EXTREMES = {
    "float": np.array([0.5, -0.0, np.nan, np.inf], np.float32),
    "double": np.array([0.1, -np.inf], np.float64),
    "float16": np.array([1.5, -65504, np.nan], np.float16),
    "uint8": np.array([0, 255], np.uint8),
    "int8": np.array([-128, 127], np.int8),
    "uint16": np.array([65535], np.uint16),
    "int16": np.array([-32768], np.int16),
    "uint32": np.array([2**32 - 1], np.uint32),
    "int32": np.array([-(2**31)], np.int32),
    "uint64": np.array([2**64 - 1], np.uint64),
    "int64": np.array([2**53 + 1, -(2**63)], np.int64),
    "bool": np.array([True, False], np.bool_),
    "string": np.array(["é".encode(), b""], np.object_),
}
NAMES = {"float": "FP32", "double": "FP64", "float16": "FP16", "string": "BYTES"}


def tensor(name, array, binary):
    kind = NAMES.get(name.removeprefix("in_"), name.removeprefix("in_").upper())
    found = http.InferInput(name, list(array.shape), kind)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def same(a, b):
    if a.dtype != np.object_:
        # Byte by byte: a NaN is equal to none, and -0 to 0.
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    # Of JSON this client makes text, of binary data bytes.
    return [x.encode() if isinstance(x, str) else x for x in a] == list(b)


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error
    raise AssertionError("this must be refused")


def main(url, model, ears):
    client = http.InferenceServerClient(url)
    assert client.is_server_live() and client.is_server_ready()
    assert client.get_server_metadata()["name"] == "sotto"
    assert client.is_model_ready(model)
    assert not client.is_model_ready("owner/none")
    assert {m["name"] for m in client.get_model_repository_index()} == {model, ears}
    metadata = client.get_model_metadata(model)
    (version,) = metadata["versions"]
    assert {i["name"] for i in metadata["inputs"]} == {f"in_{name}" for name in EXTREMES}

    # Binary both ways, everything at once, NaN payloads and all.
    inputs = [tensor(f"in_{name}", array, True) for name, array in EXTREMES.items()]
    for extra in ({}, {"model_version": version}, {"request_compression_algorithm": "gzip"}, {"request_compression_algorithm": "deflate"}):
        result = client.infer(model, inputs, request_id="r1", **extra)
        answer = result.get_response()
        assert answer["id"] == "r1" and answer["model_version"] == version, answer
        for name, array in EXTREMES.items():
            assert same(result.as_numpy(f"out_{name}"), array), name

    # JSON both ways, where JSON has a form. This client knows none for FP16.
    plain = {name: array for name, array in EXTREMES.items() if name not in ("float", "double", "float16")}
    inputs = [tensor(f"in_{name}", plain.get(name, array), name not in plain) for name, array in EXTREMES.items()]
    outputs = [http.InferRequestedOutput(f"out_{name}", binary_data=False) for name in plain]
    result = client.infer(model, inputs, outputs=outputs)
    for name, array in plain.items():
        assert same(result.as_numpy(f"out_{name}"), array), name
    error = refused(lambda: client.infer(model, inputs, outputs=[http.InferRequestedOutput("out_float", binary_data=False)]))
    assert error.status() == "400" and "binary_data" in error.message(), error

    # The graph does the post-processing: samples in, a word out.
    at = np.arange(1600) / 16000
    samples = np.stack([0.5 * np.sin(2 * np.pi * 880 * at), 0.5 * np.sin(2 * np.pi * 220 * at)]).astype(np.float32)
    found = http.InferInput("samples", list(samples.shape), "FP32")
    found.set_data_from_numpy(samples)
    result = client.infer(ears, [found], outputs=[http.InferRequestedOutput("text")])
    assert [word.decode() for word in result.as_numpy("text")] == ["hög", "low"], result.as_numpy("text")
    assert result.as_numpy("index") is None

    # Many at once over one client, each with an answer of its own.
    tones = [220, 440, 880] * 4
    waiting = []
    parallel = http.InferenceServerClient(url, concurrency=4)
    for hertz in tones:
        one = http.InferInput("samples", [1, 1600], "FP32")
        one.set_data_from_numpy(np.sin(2 * np.pi * hertz * at).astype(np.float32)[None])
        waiting.append(parallel.async_infer(ears, [one]))
    heard = [w.get_result().as_numpy("text")[0].decode() for w in waiting]
    assert heard == ["low", "middle", "hög"] * 4, heard

    wrong = http.InferInput("samples", [1, 3], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 3), np.float32))
    error = refused(lambda: client.infer(ears, [wrong]))
    assert error.status() == "400" and "expected [-1, 1600], found [1, 3]" in error.message(), error
    error = refused(lambda: client.infer("owner/none", [found]))
    assert error.status() == "404", error
    error = refused(lambda: client.load_model(ears))
    assert "does not offer" in error.message(), error
    print("ok")


main(*sys.argv[1:])
