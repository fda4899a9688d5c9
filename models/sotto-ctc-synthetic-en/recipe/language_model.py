"""A word n-gram model in ARPA form from the training books, for the decoder beside the network.

usage: python language_model.py TEXT_DIR OUT.arpa

Interpolated Kneser-Ney with one discount for each order (Chen and Goodman 1999, section 3), order 3. N-grams seen less often
than KEEP are left out of the file, their mass goes to the back-off weights. Reads the same sentences as the
training split of synthesize.py: the test book stays unseen.
"""

import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

from synthesize import COMMANDS, DIGITS, TRAIN_BOOKS, sentences_of

ORDER = 3
KEEP = {1: 1, 2: 2, 3: 2}
START, END, UNKNOWN = "<s>", "</s>", "<unk>"
# Digit strings and commands are a sixth of what the network heard; a book says neither.
DIGIT_LINES, COMMAND_REPEATS = 4000, 20


def lines_of(directory: Path) -> list[list[str]]:
    lines = [sentence.split() for sentence in sentences_of(directory, TRAIN_BOOKS, most_words=1000, most_characters=100_000)]
    # Every pair of digit words equally often.
    for n in range(DIGIT_LINES):
        lines.append([DIGITS[(n // 10**k + n * k) % 10] for k in range(1 + n % 6)])
    return lines + [command.split() for command in COMMANDS] * COMMAND_REPEATS


def main() -> None:
    lines = lines_of(Path(sys.argv[1]))
    counts = {n: Counter() for n in range(1, ORDER + 1)}
    for line in lines:
        words = [START, *line, END]
        for n in range(1, ORDER + 1):
            for i in range(len(words) - n + 1):
                counts[n][tuple(words[i : i + n])] += 1
    # Lower orders count in how many contexts an n-gram was seen, not how often (but those that begin a sentence).
    used = {ORDER: counts[ORDER]}
    for n in range(1, ORDER):
        continuation = Counter(gram[1:] for gram in counts[n + 1])
        used[n] = Counter(
            {gram: counts[n][gram] if gram[0] == START else continuation[gram] for gram in counts[n] if gram != (START,)}
        )
    discount, total, kinds = {}, {}, {}
    for n in range(1, ORDER + 1):
        once, twice = (sum(1 for c in used[n].values() if c == k) for k in (1, 2))
        discount[n] = once / (once + 2 * twice)
        total[n], kinds[n] = defaultdict(int), defaultdict(int)
        for gram, count in used[n].items():
            total[n][gram[:-1]] += count
            kinds[n][gram[:-1]] += 1
    vocabulary = len(used[1]) + 1

    def probability(gram: tuple[str, ...]) -> float:
        n = len(gram)
        if n == 0:
            return 1 / vocabulary
        context = gram[:-1]
        if total[n][context] == 0:
            return probability(gram[1:])
        left = discount[n] * kinds[n][context] / total[n][context]
        return max(used[n][gram] - discount[n], 0) / total[n][context] + left * probability(gram[1:])

    kept = {1: sorted(used[1])}
    for n in range(2, ORDER + 1):
        contexts = set(kept[n - 1]) | ({(START,)} if n == 2 else set())
        kept[n] = sorted(g for g, c in counts[n].items() if c >= KEEP[n] and g[:-1] in contexts and g in used[n])
    score = {n: {gram: probability(gram) for gram in kept[n]} for n in kept}

    def backed_off(gram: tuple[str, ...]) -> float:
        """What a reader of the file computes for an n-gram."""
        n = len(gram)
        if n == 0:
            return 1 / vocabulary
        if gram in score[n]:
            return score[n][gram]
        return weight[n - 1].get(gram[:-1], 1.0) * backed_off(gram[1:])

    weight: dict[int, dict[tuple[str, ...], float]] = {0: {}}
    for n in range(1, ORDER):
        followers = defaultdict(list)
        for gram in kept[n + 1]:
            followers[gram[:-1]].append(gram)
        weight[n] = {}
        for context, grams in followers.items():
            seen = sum(score[n + 1][gram] for gram in grams)
            lower = sum(backed_off(gram[1:]) for gram in grams)
            weight[n][context] = max(1 - seen, 1e-9) / max(1 - lower, 1e-9)
    unknown = discount[1] * kinds[1][()] / total[1][()] / vocabulary
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as out:
        out.write("\\data\\\n")
        out.write(f"ngram 1={len(kept[1]) + 2}\n")
        for n in range(2, ORDER + 1):
            out.write(f"ngram {n}={len(kept[n])}\n")
        for n in range(1, ORDER + 1):
            out.write(f"\n\\{n}-grams:\n")
            if n == 1:
                out.write(f"{math.log10(unknown):.3f}\t{UNKNOWN}\n")
                out.write(f"-99\t{START}\t{math.log10(weight[1].get((START,), 1.0)):.3f}\n")
            for gram in kept[n]:
                line = f"{math.log10(score[n][gram]):.3f}\t{' '.join(gram)}"
                if n < ORDER and gram in weight[n]:
                    line += f"\t{math.log10(weight[n][gram]):.3f}"
                out.write(line + "\n")
        out.write("\n\\end\\\n")
    print({n: len(grams) for n, grams in kept.items()}, {n: round(d, 3) for n, d in discount.items()})


if __name__ == "__main__":
    main()
