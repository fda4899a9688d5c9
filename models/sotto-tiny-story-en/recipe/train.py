"""Trains sotto-tiny-story-en for a fixed time.

usage: python train.py WORK_DIR MINUTES [THREADS]

Muon for the matrices, AdamW for the rest, learning rates falling to zero over the budget. Writes model.pt.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F

from model import Shape, TinyLlama

BATCH = 4
MUON_RATE = 0.01
ADAM_RATE = 2e-3
WARMUP_STEPS = 60
SEED = 1


def orthogonalise(gradient: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration towards the nearest orthogonal matrix (Muon, Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient / (gradient.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr: float, momentum: float = 0.95, weight_decay: float = 0.1):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                velocity = state.setdefault("velocity", torch.zeros_like(parameter))
                velocity.mul_(group["momentum"]).add_(parameter.grad)
                update = orthogonalise(parameter.grad + group["momentum"] * velocity)
                scale = math.sqrt(max(1.0, parameter.shape[0] / parameter.shape[1]))
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


@torch.no_grad()
def bits_per_character(model: TinyLlama, tokens: list[int], characters: int, context: int) -> float:
    """Independent windows that each begin with <s>, as the check in scripts/models-quality.ts does it."""
    model.eval()
    nats = 0.0
    for start in range(0, len(tokens), context - 1):
        window = torch.tensor([[1] + tokens[start : start + context - 1]])
        logits = model(window[:, :-1])
        nats += F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten(), reduction="sum").item()
    model.train()
    return nats / math.log(2) / characters


def main() -> None:
    work, budget = Path(sys.argv[1]), float(sys.argv[2]) * 60
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    stream = np.load(work / "train.npy")
    tokenizer = spm.SentencePieceProcessor(model_file=str(work / "tokenizer.model"))
    held_out = (work / "heldout.txt").read_text(encoding="utf-8")[:30_000]
    held_out_tokens = tokenizer.encode(held_out)

    shape = Shape()
    model = TinyLlama(shape)
    print(sum(p.numel() for p in model.parameters()), "parameters;", len(stream), "tokens", flush=True)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "token_embd" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "token_embd" in name]
    optimizers = [Muon(matrices, MUON_RATE), torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0)]
    rates = [MUON_RATE, ADAM_RATE]

    started, step, average = time.time(), 0, None
    offsets: list[int] = []
    while (used := (time.time() - started) / budget) < 1:
        if len(offsets) < BATCH:  # a new pass over the stream, cut at a new phase
            phase = int(rng.integers(shape.context))
            offsets = list(rng.permutation(np.arange(phase, len(stream) - shape.context - 1, shape.context)))
        picked = [offsets.pop() for _ in range(BATCH)]
        batch = torch.from_numpy(np.stack([stream[o : o + shape.context + 1] for o in picked]).astype(np.int64))
        for optimizer, rate in zip(optimizers, rates):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / WARMUP_STEPS) * max(0.01, 1 - used)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(batch[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 50 == 0:
            seen = step * BATCH * shape.context
            print(f"{time.time() - started:.0f}s step {step} loss {average:.3f} epochs {seen / len(stream):.2f}", flush=True)
        if step % 400 == 0:
            print("  held-out bits/char", round(bits_per_character(model, held_out_tokens, len(held_out), shape.context), 3), flush=True)
            torch.save(model.state_dict(), work / "model.pt")
    torch.save(model.state_dict(), work / "model.pt")
    print("final held-out bits/char", round(bits_per_character(model, held_out_tokens, len(held_out), shape.context), 4), flush=True)


if __name__ == "__main__":
    main()
