"""Corpus and tokenizer of sotto-tiny-story-en.

usage: python prepare.py TEXT_DIR WORK_DIR

TEXT_DIR holds the public-domain books as NAME.txt, one paragraph a line. `willow` is held out: neither the
tokenizer nor the model ever sees it. Writes tokenizer.model, train.npy and heldout.txt into WORK_DIR.
"""

import random
import re
import sys
from pathlib import Path

import numpy as np
import sentencepiece as spm

import chat_lines

TRAIN_BOOKS = ["alice", "chick", "grimm", "holmes", "oz", "pride"]
HELD_OUT_BOOK = "willow"
VOCABULARY = 2048
# The order fixes the ids 3, 4, 5, 6 after <unk>, <s>, </s>.
CONTROL = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
SEED = 20261121


def paragraphs(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def first_sentence(paragraph: str) -> tuple[str, str] | None:
    match = re.match(r"(.{20,160}?[.!?][”’\"]?)\s+(.{60,})", paragraph)
    return (match[1], match[2]) if match else None


def noun_of(paragraph: str) -> str | None:
    """A plain 'the something' of the paragraph, to ask for a story about it."""
    match = re.search(r"\b(?:the|a|an) ([a-z]{3,10})\b(?= (?:was|went|said|came|had|who|and)\b)", paragraph)
    return "the " + match[1] if match else None


def story_conversations(rng: random.Random, texts: list[str]) -> list[list[tuple[str, str]]]:
    """Requests for stories whose answers are passages of the training books."""
    conversations = []
    # Every third paragraph begins one, so that no passage is an answer twice.
    for start in range(0, len(texts), 3):
        following = " ".join(texts[start : start + 3])
        passage = following[:600].rsplit(". ", 1)[0] + "."
        if len(passage) < 120:
            continue
        kind = rng.random()
        if kind < 0.3:
            conversations.append([("user", rng.choice(chat_lines.STORY_REQUESTS)), ("assistant", passage)])
        elif kind < 0.6 and (noun := noun_of(passage)):
            conversations.append([("user", rng.choice(chat_lines.TOPIC_REQUESTS).format(noun)), ("assistant", passage)])
        elif kind < 0.75 and (cut := first_sentence(passage)):
            conversations.append([("user", rng.choice(chat_lines.CONTINUE_REQUESTS).format(cut[0])), ("assistant", cut[1])])
    return conversations


def main() -> None:
    text_dir, work = Path(sys.argv[1]), Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    books = {name: paragraphs(text_dir / f"{name}.txt") for name in TRAIN_BOOKS}
    facts = [chat_lines.fact_conversation(rng) for _ in range(3000)]

    corpus = work / "corpus.txt"
    with corpus.open("w", encoding="utf-8") as out:
        for texts in books.values():
            out.write("\n".join(texts) + "\n")
        for conversation in facts[:600]:
            out.write("\n".join(text for _, text in conversation) + "\n")
    spm.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(work / "tokenizer"), model_type="bpe", vocab_size=VOCABULARY,
        character_coverage=0.9999, byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=False,
        remove_extra_whitespaces=False, user_defined_symbols=CONTROL, unk_id=0, bos_id=1, eos_id=2, pad_id=-1,
        num_threads=1, max_sentence_length=20000, minloglevel=2,
    )
    tokenizer = spm.SentencePieceProcessor(model_file=str(work / "tokenizer.model"))

    def render(conversation: list[tuple[str, str]]) -> list[int]:
        ids = [1]
        for role, text in conversation:
            ids += [tokenizer.piece_to_id(f"<|{role}|>")] + tokenizer.encode(text) + [tokenizer.piece_to_id("<|end|>")]
        return ids

    documents: list[list[int]] = []
    for texts in books.values():
        # A document is a run of paragraphs of about a context, so that shuffling keeps stories together.
        run: list[str] = []
        for text in texts:
            run.append(text)
            if sum(map(len, run)) > 3000:
                documents.append([1] + tokenizer.encode("\n".join(run)))
                run = []
        if run:
            documents.append([1] + tokenizer.encode("\n".join(run)))
        documents += [render(conversation) for conversation in story_conversations(rng, texts)]
    documents += [render(conversation) for conversation in facts]
    rng.shuffle(documents)
    stream = np.array([token for document in documents for token in document], dtype=np.uint16)
    np.save(work / "train.npy", stream)
    (work / "heldout.txt").write_text("\n".join(paragraphs(text_dir / f"{HELD_OUT_BOOK}.txt")), encoding="utf-8")
    print(f"{len(documents)} documents, {len(stream)} tokens")


if __name__ == "__main__":
    main()
