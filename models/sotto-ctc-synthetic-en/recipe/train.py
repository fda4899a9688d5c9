"""Trains the recogniser for a fixed time.

usage: python train.py TRAIN.npz TEST.npz MINUTES OUT.pt [THREADS [START.pt]]

CTC loss, AdamW with a cosine, exponential moving average of the weights. With START.pt (see import_weights.py)
training goes on from there at a lower rate. Recordings are made worse on the fly:
reverberation, noise, gain, lost high frequencies, and SpecAugment.
"""

import math
import random
import sys
import time

import numpy as np
import torch
from torch import nn

from model import ALPHABET, DFT, HOP, MELS, LogMel, Recogniser, WaveformRecogniser

BATCH = 32
SORTED = 3200  # sentences sorted by length together, so that batches have little padding
PEAK_RATE = 2.5e-3
RESUMED_RATE = 1.2e-3
WARMUP_STEPS = 400
AVERAGE_DECAY = 0.998
SEED = 0


class Recordings:
    def __init__(self, path: str) -> None:
        data = np.load(path)
        self.audio, self.offsets = data["audio"], data["offsets"]
        self.texts = [str(text) for text in data["texts"]]
        self.lengths = np.diff(self.offsets)
        self.labels = [[ALPHABET.index(character) + 1 for character in text] for text in self.texts]

    def samples(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self.audio[self.offsets[index] : self.offsets[index + 1]].astype(np.float32) / 32768)


def spoil_waveform(wave: torch.Tensor, length: int) -> None:
    """In place: a room, a gain, a noise."""
    if random.random() < 0.3:
        tail = random.randint(800, 5000)
        room = torch.randn(tail) * torch.exp(-torch.arange(tail) * (6.9 / tail))
        room[0] = 0
        room *= random.uniform(0.1, 0.6) / room.norm()
        room[0] = 1
        size = length + tail
        wave[:length] = torch.fft.irfft(torch.fft.rfft(wave[:length], size) * torch.fft.rfft(room, size), size)[:length]
    wave *= 10 ** random.uniform(-1.5, 0.2)
    if random.random() < 0.7:
        noise = torch.randn(len(wave))
        if random.random() < 0.5:  # rumble rather than hiss
            noise = torch.cumsum(noise, 0) * 0.02 + noise * 0.3
            noise -= noise.mean()
        loudness = wave[:length].pow(2).mean().sqrt()
        wave += noise * (loudness / noise.std() * 10 ** (-random.uniform(5, 40) / 20))


def spoil_spectrum(mel: torch.Tensor, frames: int) -> None:
    """In place: telephone band, SpecAugment."""
    if random.random() < 0.2:
        mel[44:] = mel.min()
    for _ in range(2):
        height = random.randint(0, 12)
        low = random.randint(0, MELS - height)
        mel[low : low + height] = 0
        width = random.randint(0, min(25, frames // 6))
        start = random.randint(0, frames - width)
        mel[:, start : start + width] = 0


def make_batch(recordings: Recordings, indices: list[int], log_mel: LogMel) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised features and their lengths in output frames."""
    total = max(int(recordings.lengths[i]) for i in indices) + random.randint(0, 1600) + 800
    waves, ends = torch.zeros(len(indices), total), []
    for row, index in enumerate(indices):
        length = int(recordings.lengths[index])
        start = random.randint(0, max(0, total - length - 1)) if random.random() < 0.3 else 0
        waves[row, start : start + length] = recordings.samples(index)
        ends.append(start + length)
        spoil_waveform(waves[row], ends[-1])
    with torch.no_grad():
        mel = log_mel(waves)
    frames = torch.tensor([max(1, min(mel.shape[2], (end + 400 - DFT) // HOP)) for end in ends])
    mask = (torch.arange(mel.shape[2])[None] < frames[:, None])[:, None]
    count = frames[:, None, None] * MELS
    mean = (mel * mask).sum((1, 2), keepdim=True) / count
    deviation = (((mel - mean) ** 2 * mask).sum((1, 2), keepdim=True) / count).sqrt()
    mel = ((mel - mean) / (deviation + 1e-3)) * mask
    for row in range(len(indices)):
        spoil_spectrum(mel[row], int(frames[row]))
    return mel, ((frames + 2) // 3).clamp(max=(mel.shape[2] - 1) // 3 + 1)


def greedy_text(logits: torch.Tensor) -> str:
    text, previous = "", 0
    for column in logits.argmax(-1).tolist():
        if column not in (previous, 0):
            text += ALPHABET[column - 1]
        previous = column
    return text


def edit_distance(a, b) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


@torch.no_grad()
def error_rates(recogniser: Recogniser, recordings: Recordings, count: int) -> tuple[float, float]:
    """Character and word error rate on whole recordings, without any spoiling."""
    recogniser.eval()
    whole = WaveformRecogniser(recogniser).eval()
    characters = words = character_errors = word_errors = 0
    for index in range(min(count, len(recordings.texts))):
        found, text = greedy_text(whole(recordings.samples(index)[None])[0]), recordings.texts[index]
        character_errors += edit_distance(found, text)
        characters += len(text)
        word_errors += edit_distance(found.split(), text.split())
        words += len(text.split())
    recogniser.train()
    return character_errors / characters, word_errors / words


def epochs(lengths: np.ndarray):
    """Endless batches of sentence numbers: shuffled, sorted by length in stretches, shuffled again."""
    while True:
        order = np.random.permutation(len(lengths))
        batches = []
        for start in range(0, len(order), SORTED):
            stretch = order[start : start + SORTED]
            stretch = stretch[np.argsort(lengths[stretch])]
            batches += [stretch[i : i + BATCH].tolist() for i in range(0, len(stretch), BATCH)]
        random.shuffle(batches)
        yield from batches


def main() -> None:
    train, test = Recordings(sys.argv[1]), Recordings(sys.argv[2])
    budget, out = float(sys.argv[3]) * 60, sys.argv[4]
    torch.set_num_threads(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    torch.manual_seed(SEED)
    random.seed(SEED)
    np.random.seed(SEED)
    log_mel, recogniser = LogMel(), Recogniser()
    peak = PEAK_RATE
    if len(sys.argv) > 6:
        recogniser.load_state_dict(torch.load(sys.argv[6]))
        peak = RESUMED_RATE
        print("start: test CER %.4f WER %.4f" % error_rates(recogniser, test, 200), flush=True)
    optimizer = torch.optim.AdamW(recogniser.parameters(), lr=0, weight_decay=0.01, betas=(0.9, 0.98))
    loss_of = nn.CTCLoss(blank=0, zero_infinity=True)
    averaged = {name: value.clone() for name, value in recogniser.state_dict().items()}
    started, smooth = time.time(), None
    for step, indices in enumerate(epochs(train.lengths)):
        used = (time.time() - started) / budget
        if used >= 1:
            break
        rate = peak * min(1, step / WARMUP_STEPS) * 0.5 * (1 + math.cos(math.pi * used)) + 1e-6
        for group in optimizer.param_groups:
            group["lr"] = rate
        mel, frames = make_batch(train, indices, log_mel)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = recogniser(mel)
        labels = [train.labels[i] for i in indices]
        loss = loss_of(
            logits.float().log_softmax(-1).transpose(0, 1), torch.tensor(sum(labels, [])), frames, torch.tensor([len(label) for label in labels])
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(recogniser.parameters(), 5.0)
        optimizer.step()
        with torch.no_grad():
            decay = min(AVERAGE_DECAY, step / (step + 20))
            for name, value in recogniser.state_dict().items():
                averaged[name].mul_(decay).add_(value, alpha=1 - decay)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        if step % 200 == 0:
            print(f"{time.time() - started:.0f}s step {step} loss {smooth:.3f}", flush=True)
        if step % 1000 == 999:
            print("  test CER %.4f WER %.4f" % error_rates(recogniser, test, 200), flush=True)
    recogniser.load_state_dict(averaged)
    torch.save(averaged, out)
    print("final test CER %.4f WER %.4f" % error_rates(recogniser, test, 1_000_000), flush=True)


if __name__ == "__main__":
    main()
