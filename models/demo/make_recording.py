"""Speaks the demonstration recording: `session-note.wav`, 16 kHz mono, from `session-note.txt`.

usage: python make_recording.py

The voice is one the speech model never heard, and the sentence is in no book it was trained on. The recording was
made once and kept as it came out; how well the model does on it is printed by scripts/models-quality.ts.
"""

import sys
import wave
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "sotto-ctc-synthetic-en" / "recipe"))

from synthesize import RATE, Speaker, trim  # noqa: E402

VOICE, WORDS_PER_MINUTE, PITCH, PITCH_RANGE = "en-us+linda", 150, 50, 50


def main() -> None:
    text = (HERE / "session-note.txt").read_text(encoding="utf-8").strip()
    samples = trim(Speaker().say(text, VOICE, WORDS_PER_MINUTE, PITCH, PITCH_RANGE))
    with wave.open(str(HERE / "session-note.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    print(f"{len(samples) / RATE:.1f} seconds")


if __name__ == "__main__":
    main()
