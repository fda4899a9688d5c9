"""A model owner's program in plain Python: publish, list, use and remove a model through `sotto proxy --owner`."""
import os
import sys

import httpx

proxy, path = sys.argv[1:]
owner = {"authorization": "Bearer " + os.environ["SOTTO_OWNER_SECRET"]}
client = httpx.Client(base_url=proxy, timeout=120, headers=owner)

# Without the owner's secret nothing is done with the owner's key.
for headers, status in (({"authorization": ""}, 401), ({"origin": "http://127.0.0.1"}, 403), ({"host": "evil.example"}, 403)):
    assert client.delete("/v1/sealed-models/from-python", headers=headers).status_code == status, headers

with open(path, "rb") as file:
    answer = client.post("/v1/sealed-models", data={"name": "from-python"}, files={"file": ("story.gguf", file)})
assert answer.status_code == 201, answer.text
model = answer.json()
assert model["object"] == "sealed-model" and model["version"] == 1, model

assert client.get("/v1/sealed-models").json()["data"] == [model]
assert client.get("/v1/sealed-models/from-python").json() == model

said = client.post(
    "/v1/chat/completions",
    json={"model": model["id"], "messages": [{"role": "user", "content": "Once upon a time"}], "max_tokens": 16},
)
assert said.status_code == 200, said.text
assert said.json()["choices"][0]["message"]["content"], said.text
receipts = client.get("/sotto/receipts").json()["receipts"]
digests = [one["receipt"]["model"] for one in receipts if one["status"] == "verified"]
assert model["digest"] in digests, digests

assert client.delete("/v1/sealed-models/from-python").json()["deleted"] is True
assert client.get("/v1/sealed-models").json()["data"] == []
gone = client.post(
    "/v1/chat/completions",
    json={"model": model["id"], "messages": [{"role": "user", "content": "Once"}]},
)
assert 400 <= gone.status_code < 500, gone.text

# What is no model is refused, and says why.
refused = client.post("/v1/sealed-models", data={"name": "x"}, files={"file": ("notes.txt", b"no model")})
assert refused.status_code == 400 and refused.json()["error"]["code"] == "sotto_model_source", refused.text
print("ok")
