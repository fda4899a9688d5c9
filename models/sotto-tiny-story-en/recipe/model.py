"""A Llama-architecture decoder small enough to read: RMSNorm, rotary positions, grouped attention, SwiGLU."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    vocabulary: int = 2048
    width: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    feed_forward: int = 512
    context: int = 512
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5
    dropout: float = 0.15


class RMSNorm(nn.Module):
    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary embedding on neighbouring pairs, the layout GGUF expects of `llama`."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.head = shape.width // shape.heads
        kv_width = self.head * shape.kv_heads
        self.attn_norm = RMSNorm(shape.width, shape.norm_epsilon)
        self.ffn_norm = RMSNorm(shape.width, shape.norm_epsilon)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        batch, time, _ = x.shape
        y = self.attn_norm(x)
        q = self.attn_q(y).view(batch, time, self.shape.heads, self.head).transpose(1, 2)
        k = self.attn_k(y).view(batch, time, self.shape.kv_heads, self.head).transpose(1, 2)
        v = self.attn_v(y).view(batch, time, self.shape.kv_heads, self.head).transpose(1, 2)
        repeat = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.dropout(self.attn_output(mixed.transpose(1, 2).reshape(batch, time, -1)))
        y = self.ffn_norm(x)
        return x + self.dropout(self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y)))


class TinyLlama(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.dropout = nn.Dropout(shape.dropout)
        self.output_norm = RMSNorm(shape.width, shape.norm_epsilon)
        head = shape.width // shape.heads
        angles = torch.outer(torch.arange(shape.context).float(), shape.rope_base ** (-torch.arange(0, head, 2).float() / head))
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.apply(self._initialise)

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        time = tokens.shape[1]
        x = self.dropout(self.token_embd(tokens))
        for block in self.blk:
            x = block(x, self.cos[:time], self.sin[:time])
        # The output matrix is the embedding: half a million parameters that are not needed twice.
        return self.output_norm(x) @ self.token_embd.weight.T
