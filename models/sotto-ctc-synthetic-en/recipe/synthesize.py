"""Synthetic speech for training and testing, spoken by the espeak-ng library in this process.

usage: python synthesize.py TEXT_DIR train|test SENTENCES SEED OUT.npz

Needs libespeak-ng.so.1 (Debian package libespeak-ng1). TEXT_DIR holds public-domain books as NAME.txt. The test
split uses voices and a book that the training split never does. Writes int16 audio at 16 kHz end to end, the
offsets of the sentences in it, and their transcripts.
"""

import ctypes
import random
import re
import sys
from pathlib import Path

import numpy as np

TRAIN_BOOKS = ["alice", "chick", "grimm", "holmes", "oz", "pride"]
TEST_BOOKS = ["willow"]

# Accents, the common ones more often, and voice variants laid over them.
TRAIN_ACCENTS = ["en-us"] * 4 + ["en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc", "en-029"]
TEST_ACCENTS = ["en-us"]
TEST_VOICES = ["f3", "m5", "linda", "max"]
TRAIN_VOICES = (
    " m1 m2 m3 m4 m6 m7 m8 f1 f2 f4 f5 Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee "
    "Marco Mario Michael Mike adam anika antonio aunty belinda benjamin boris caleb david ed edward edward2 grandma "
    "grandpa iven iven2 iven3 iven4 john kaukovalta klatt klatt2 klatt3 klatt4 marcelo michel miguel norbert pablo "
    "paul pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor zac"
).split(" ")

DIGITS = "zero one two three four five six seven eight nine".split()
COMMANDS = [
    "turn on the lights", "turn off the radio", "what time is it", "play some music", "stop", "hello world",
    "good morning", "thank you very much", "yes", "no", "call my doctor", "set a timer for ten minutes",
    "open the door", "patient has a fever", "please transcribe this recording",
    "confidential computing protects data in use",
]
DIGIT_SHARE, COMMAND_SHARE = 0.15, 0.02
MAX_SECONDS = 7
RATE = 16000

# espeak-ng's C interface (speak_lib.h).
AUDIO_OUTPUT_SYNCHRONOUS, CHARS_UTF8 = 2, 1
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4


class Speaker:
    """The espeak-ng library as a function from text to samples."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, None, 0)
        self.blocks: list[np.ndarray] = []
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

        def collect(samples, count, _events):
            if samples and count > 0:
                self.blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
            return 0

        self.callback = callback(collect)  # the library keeps the pointer; this keeps the object
        self.library.espeak_SetSynthCallback(self.callback)

    def say(self, text: str, voice: str, rate: int, pitch: int, pitch_range: int) -> np.ndarray:
        """Float samples at 16 kHz."""
        self.blocks.clear()
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise LookupError(f"this espeak-ng does not have the voice {voice}")
        for parameter, value in ((PARAMETER_RATE, rate), (PARAMETER_PITCH, pitch), (PARAMETER_RANGE, pitch_range)):
            self.library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode() + b"\0"
        self.library.espeak_Synth(encoded, len(encoded), 0, 1, 0, CHARS_UTF8, None, None)
        self.library.espeak_Synchronize()
        return resample(np.concatenate([np.zeros(0), *self.blocks]), self.rate, RATE)


def resample(samples: np.ndarray, source: int, target: int) -> np.ndarray:
    """Band-limited resampling through the Fourier transform, with a second of silence against wrap-around."""
    padded = np.concatenate([samples, np.zeros(source)])
    padded = np.concatenate([padded, np.zeros(-len(padded) % source)])  # whole seconds: an exact ratio
    spectrum = np.fft.rfft(padded)
    length = len(padded) // source * target
    out = np.fft.irfft(spectrum[: length // 2 + 1], length) * (target / source)
    return out[: round(len(samples) * target / source)]


def trim(samples: np.ndarray) -> np.ndarray | None:
    """Without silence but for 50 ms before and 100 ms behind, scaled to one loudness; None for silence."""
    loudest = np.abs(samples).max(initial=0)
    if loudest < 100:
        return None
    loud = np.flatnonzero(np.abs(samples) > loudest * 0.01)
    cut = samples[max(0, loud[0] - 800) : loud[-1] + 1600]
    return (cut / loudest * 20000).astype(np.int16)


def sentences_of(directory: Path, books: list[str], most_words: int = 14, most_characters: int = 75) -> list[str]:
    """Clauses of at least 2 words in the model's alphabet: a-z, apostrophe, space."""
    found = []
    for book in books:
        for clause in re.split(r'[.!?;:,"“”\n()]| — ', (directory / f"{book}.txt").read_text(encoding="utf-8")):
            clause = re.sub(r"[^a-z' ]", " ", clause.lower().replace("-", " ").replace("’", "'"))
            clause = re.sub(r"(^| )'+|'+( |$)", " ", clause)
            clause = re.sub(r" +", " ", clause).strip()
            if 2 <= len(clause.split()) <= most_words and len(clause) <= most_characters:
                found.append(clause)
    return found


def main() -> None:
    directory, split, wanted, seed, out = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    rng = random.Random(seed)
    is_test = split == "test"
    clauses = sentences_of(directory, TEST_BOOKS if is_test else TRAIN_BOOKS)
    rng.shuffle(clauses)
    speaker = Speaker()
    audio, offsets, texts, used = [], [0], [], 0
    while len(texts) < wanted:
        draw = rng.random()
        if draw < DIGIT_SHARE:
            text = " ".join(rng.choice(DIGITS) for _ in range(rng.randint(1, 8)))
        elif draw < DIGIT_SHARE + COMMAND_SHARE:
            text = rng.choice(COMMANDS)
        else:
            text = clauses[used % len(clauses)]
            used += 1
        accent = rng.choice(TEST_ACCENTS if is_test else TRAIN_ACCENTS)
        variant = rng.choice(TEST_VOICES if is_test else TRAIN_VOICES)
        spoken = speaker.say(
            text, f"{accent}+{variant}" if variant else accent, rng.randint(130, 200), rng.randint(30, 70), rng.randint(30, 70)
        )
        samples = trim(spoken)
        if samples is None or len(samples) > RATE * MAX_SECONDS:
            continue
        audio.append(samples)
        offsets.append(offsets[-1] + len(samples))
        texts.append(text)
    np.savez(out, audio=np.concatenate(audio), offsets=np.array(offsets), texts=np.array(texts))
    print(f"{len(texts)} sentences, {offsets[-1] / RATE / 3600:.2f} hours")


if __name__ == "__main__":
    main()
