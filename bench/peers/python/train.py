"""Steps of training in torch, on one thread: a peer of `bench/train.ts`.

Reads a case in JSON from each line, answers examples (or tokens) a second of processor time in JSON. `fixed` trains on the
same batch again and again; `drawn` takes another one from shuffled rows in each step, as a loader does.
"""
import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
ROWS = 100_000
BYTES = 240_000_000


class Lora(nn.Module):
    def __init__(self, inner: nn.Linear, rank: int):
        super().__init__()
        self.inner = inner.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(inner.in_features, rank) / inner.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(rank, inner.out_features))

    def forward(self, x):
        return self.inner(x) + x @ self.a @ self.b * 2


class Norm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class Block(nn.Module):
    """One layer of a llama, with branches beside queries and values."""

    def __init__(self, width: int, heads: int, kv_heads: int, inner: int, rank: int):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.q = Lora(nn.Linear(width, width, bias=False), rank)
        self.k = nn.Linear(width, kv_heads * self.size, bias=False)
        self.v = Lora(nn.Linear(width, kv_heads * self.size, bias=False), rank)
        self.o = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)
        self.before, self.after = Norm(width), Norm(width)

    def turn(self, x, cos, sin):
        pairs = x.unflatten(-1, (-1, 2))
        a, b = pairs[..., 0], pairs[..., 1]
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)

    def forward(self, x, cos, sin):
        batch, length, width = x.shape
        h = self.before(x)
        q = self.turn(self.q(h).view(batch, length, self.heads, self.size).transpose(1, 2), cos, sin)
        k = self.turn(self.k(h).view(batch, length, self.kv_heads, self.size).transpose(1, 2), cos, sin)
        v = self.v(h).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        repeats = self.heads // self.kv_heads
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        out = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(out.transpose(1, 2).reshape(batch, length, width))
        h = self.after(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self, layers, width, heads, kv_heads, inner, words, length, rank):
        super().__init__()
        self.embed, self.head = nn.Embedding(words, width), nn.Linear(width, words, bias=False)
        self.blocks = nn.ModuleList([Block(width, heads, kv_heads, inner, rank) for _ in range(layers)])
        self.norm = Norm(width)
        size = width // heads
        angles = torch.outer(torch.arange(length), 1e4 ** (-torch.arange(0, size, 2) / size))
        self.cos, self.sin = angles.cos(), angles.sin()
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.endswith((".a", ".b")))

    def forward(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.head(self.norm(x))


def table_step(case):
    sizes, batch = case["sizes"], case["batch"]
    rows = min(ROWS, BYTES // 4 // sizes[0])
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    x = torch.rand(rows, sizes[0]) * 2 - 1
    y = torch.randint(0, max(2, sizes[-1]), (rows,))
    loss = nn.CrossEntropyLoss() if sizes[-1] > 1 else nn.BCEWithLogitsLoss()
    target = y if sizes[-1] > 1 else y.float().unsqueeze(1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    order, at = torch.randperm(rows), 0

    def step():
        nonlocal order, at
        if case["kind"] == "fixed":
            some, told = x[:batch], target[:batch]
        else:
            if at + batch > rows:
                order, at = torch.randperm(rows), 0
            some, told = x[order[at : at + batch]], target[order[at : at + batch]]
            at += batch
        optimiser.zero_grad()
        loss(model(some), told).backward()
        optimiser.step()
        return batch

    return step


def text_step(case):
    model = Llama(*(case[key] for key in ("layers", "width", "heads", "kvHeads", "inner", "words", "length", "rank")))
    tokens = torch.randint(0, case["words"], (case["batch"], case["length"] + 1))
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)

    def step():
        optimiser.zero_grad()
        logits = model(tokens[:, :-1])
        nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimiser.step()
        return case["batch"] * case["length"]

    return step


print(json.dumps({"torch": torch.__version__}), flush=True)
steps = {}
for line in sys.stdin:
    case = json.loads(line)
    key = json.dumps({**case, "seconds": 0})
    if key not in steps:
        steps[key] = text_step(case) if case["kind"] == "lora" else table_step(case)
        for _ in range(10):
            steps[key]()
    start, done = time.process_time(), 0
    while time.process_time() - start < case["seconds"]:
        done += steps[key]()
    print(json.dumps({"perSecond": done / (time.process_time() - start)}), flush=True)
