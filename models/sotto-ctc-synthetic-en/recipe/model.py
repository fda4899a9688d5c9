"""The network: waveform in, character logits out, 1.8 million parameters, convolutions only."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ALPHABET = " abcdefghijklmnopqrstuvwxyz'"  # column 0 is the CTC blank, column i + 1 is ALPHABET[i]
MELS = 64
WINDOW, HOP, DFT = 400, 160, 512


def mel_filters(low: float = 60, high: float = 7600, rate: int = 16000) -> torch.Tensor:
    """Triangular filters equally spaced on the mel scale, [MELS, DFT / 2 + 1]."""
    to_mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    edges = 700 * (10 ** (np.linspace(to_mel(low), to_mel(high), MELS + 2) / 2595) - 1)
    frequencies = np.linspace(0, rate / 2, DFT // 2 + 1)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return torch.tensor(np.maximum(0, np.minimum(rising, falling)), dtype=torch.float32)


class LogMel(nn.Module):
    """Log-mel energies by a convolution with the Fourier basis: [batch, samples] to [batch, MELS, frames]."""

    def __init__(self) -> None:
        super().__init__()
        angle = 2 * math.pi * torch.arange(DFT // 2 + 1)[:, None] * torch.arange(WINDOW)[None] / DFT
        window = torch.hann_window(WINDOW)
        self.register_buffer("basis", torch.cat([torch.cos(angle) * window, torch.sin(angle) * window])[:, None])
        self.register_buffer("filters", mel_filters())

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        parts = F.conv1d(samples[:, None], self.basis, stride=HOP)
        real, imaginary = parts[:, : DFT // 2 + 1], parts[:, DFT // 2 + 1 :]
        return torch.log(torch.matmul(self.filters, real * real + imaginary * imaginary) + 1e-6)


class Gate(nn.Module):
    """Squeeze and excite: scales channels by what the whole recording sounds like."""

    def __init__(self, width: int, ratio: int = 4) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, width // ratio)
        self.widen = nn.Linear(width // ratio, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.widen(F.relu(self.narrow(x.mean(1, keepdim=True)))))


class Block(nn.Module):
    """Residual block: depthwise convolution over time, two linear layers over channels, gate."""

    def __init__(self, width: int, kernel: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.expand = nn.Linear(width, 2 * width)
        self.project = nn.Linear(2 * width, width)
        self.gate = Gate(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.over_time(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.dropout(self.gate(self.project(F.silu(self.expand(y)))))


class Recogniser(nn.Module):
    """Normalised log-mel [batch, MELS, frames] to logits [batch, frames / 3, characters]."""

    def __init__(self, width: int = 192, blocks: int = 10) -> None:
        super().__init__()
        self.subsample = nn.Conv1d(MELS, width, 7, stride=3, padding=3)
        self.blocks = nn.ModuleList(Block(width, 9 + 2 * (i // 2)) for i in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, len(ALPHABET) + 1)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = F.silu(self.subsample(mel)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


class WaveformRecogniser(nn.Module):
    """What is exported: the wav2vec2 interface, `input_values` [batch, samples] to `logits` [batch, frames, 29]."""

    def __init__(self, recogniser: Recogniser) -> None:
        super().__init__()
        self.mel = LogMel()
        self.recogniser = recogniser

    def forward(self, input_values: torch.Tensor) -> torch.Tensor:
        mel = self.mel(input_values)
        mean = mel.mean(dim=(1, 2), keepdim=True)
        deviation = ((mel - mean) ** 2).mean(dim=(1, 2), keepdim=True).sqrt()
        return self.recogniser((mel - mean) / (deviation + 1e-3))
