"""Writes trained weights and tokenizer as one GGUF file, matrices as q8_0.

usage: python export_gguf.py WORK_DIR OUT.gguf
"""

import sys
from pathlib import Path

import gguf
import numpy as np
import sentencepiece as spm
import torch

from model import Shape, TinyLlama
from prepare import CONTROL

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role not in ['system', 'user', 'assistant'] %}{{ raise_exception('roles are system, user and assistant') }}{% endif %}"
    "<|{{ message.role }}|>{{ message.content | trim }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: spm.SentencePieceProcessor) -> None:
    tokens, scores, types = [], [], []
    for token in range(tokenizer.get_piece_size()):
        piece = tokenizer.id_to_piece(token)
        tokens.append(piece.encode("utf-8"))
        scores.append(tokenizer.get_score(token))
        if tokenizer.is_unknown(token):
            types.append(gguf.TokenType.UNKNOWN)
        elif tokenizer.is_control(token) or piece in CONTROL:
            types.append(gguf.TokenType.CONTROL)
        elif tokenizer.is_byte(token):
            types.append(gguf.TokenType.BYTE)
        else:
            types.append(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(tokenizer.bos_id())
    writer.add_eos_token_id(tokenizer.piece_to_id("<|end|>"))
    writer.add_unk_token_id(tokenizer.unk_id())
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def main() -> None:
    work, out = Path(sys.argv[1]), sys.argv[2]
    shape = Shape()
    model = TinyLlama(shape)
    model.load_state_dict(torch.load(work / "model.pt"))
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name("sotto-tiny-story-en")
    writer.add_license("Apache-2.0")
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    add_tokenizer(writer, spm.SentencePieceProcessor(model_file=str(work / "tokenizer.model")))
    for name, value in model.state_dict().items():
        array = value.float().numpy()
        if array.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(array), kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
