"""Makes the fixtures of this folder: tiny models with random weights, exported by PyTorch, and what PyTorch computes for
them in double precision. Nothing is fetched. Run by hand when a fixture shall change:

    python make-fixtures.py        # torch 2.15, transformers 5.24, onnx 1.23

Each `fixtures/<name>.json` holds inputs, targets, losses of examples, gradients summed over examples, norms of the
gradients of single examples, and the sums when each is clipped; arrays are base64 of little-endian float32.
"""
import base64, copy, json, logging, pathlib, sys, warnings

import numpy, onnx, torch, transformers as tf
from torch import nn

warnings.filterwarnings('ignore')
logging.disable(logging.WARNING)
HERE = pathlib.Path(__file__).parent / 'fixtures'
CLIP = 0.5


class Logits(nn.Module):
    def __init__(self, inner, **options):
        super().__init__()
        self.inner, self.options = inner, options

    def forward(self, ids):
        return self.inner(input_ids=ids, **self.options).logits


def losses_of(kind, output, target):
    if kind == 'cross-entropy':
        return nn.functional.cross_entropy(output, target, reduction='none')
    if kind == 'binary':
        return nn.functional.binary_cross_entropy_with_logits(output[:, 0], target, reduction='none')
    if kind == 'squared':
        return ((output - target) ** 2).flatten(1).mean(1)
    each = nn.functional.cross_entropy(output.transpose(1, 2), target, reduction='none', ignore_index=-1)
    return each.sum(1) / (target >= 0).sum(1).clamp(min=1)


def encode(tensor):
    return base64.b64encode(numpy.ascontiguousarray(tensor.detach().numpy(), dtype='<f4').tobytes()).decode()


def make(name, model, x, kind, target):
    torch.manual_seed(1)
    model.eval()
    with torch.no_grad():
        # Exporters write equal weights as one: no two shall be equal.
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    path = HERE / f'{name}.onnx'
    torch.onnx.export(model, (x,), path, opset_version=18, dynamo=True, external_data=False, verbose=False,
                      dynamic_shapes=({0: torch.export.Dim('batch')},))
    graph = onnx.load(path)
    for node in graph.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key == 'pkg.torch.onnx.name_scopes']
        kept = [(entry.key, entry.value) for entry in kept]
        del node.metadata_props[:]
        for key, value in kept:
            node.metadata_props.add(key=key, value=value)
        node.doc_string = ''
    del graph.graph.value_info[:], graph.graph.metadata_props[:], graph.metadata_props[:]
    onnx.save(graph, path)
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}

    matched = {}
    for key, parameter in model.named_parameters():
        value = parameter.detach().numpy()
        for turned in (False, True) if value.ndim == 2 else (False,):
            like = value.T if turned else value
            names = [n for n, a in arrays.items() if a.size == like.size and numpy.array_equal(a.ravel(), like.ravel())
                     and (a.ndim != 2 or like.ndim != 2 or a.shape == like.shape)]
            if names and key not in matched:
                matched[key] = (names[0], turned)
        if key not in matched:
            print(f'{name}: {key} is folded into another constant: frozen')

    exact = copy.deepcopy(model).double()
    data = x.double() if x.is_floating_point() else x
    wanted = target.double() if target.is_floating_point() else target
    parameters = [(key, p) for key, p in exact.named_parameters() if key in matched]
    losses = losses_of(kind, exact(data), wanted)
    plain = torch.autograd.grad(losses.sum(), [p for _, p in parameters])
    clipped = [torch.zeros_like(p) for _, p in parameters]
    norms = []
    for i in range(len(x)):
        loss = losses_of(kind, exact(data[i:i + 1]), wanted[i:i + 1]).sum()
        grads = torch.autograd.grad(loss, [p for _, p in parameters])
        norm = torch.sqrt(sum((g ** 2).sum() for g in grads))
        norms.append(norm.item())
        for total, g in zip(clipped, grads):
            total += g * min(1, CLIP / norm.item())
    out = []
    for (key, _), g, c in zip(parameters, plain, clipped):
        grads = [(t.T if matched[key][1] else t).float() for t in (g, c)]
        out.append({'name': matched[key][0], 'of': key, 'gradient': encode(grads[0]), 'clipped': encode(grads[1])})
    json.dump({
        'source': f'torch {torch.__version__}, transformers {tf.__version__}, by make-fixtures.py',
        'loss': kind, 'output': graph.graph.output[0].name, 'clip': CLIP, 'batch': len(x),
        'x': x.flatten().tolist(), 'target': target.flatten().tolist(),
        'losses': losses.tolist(), 'norms': norms, 'parameters': out,
    }, open(HERE / f'{name}.json', 'w'), indent=1)
    print(name, sum(p.numel() for p in model.parameters()), sorted({n.op_type for n in graph.graph.node}), flush=True)


torch.manual_seed(0)
HERE.mkdir(exist_ok=True)
only = sys.argv[1:]


def each(name, build):
    torch.manual_seed(0)
    if not only or name in only:
        make(name, *build())


def ids(batch, length, vocabulary):
    return torch.randint(0, vocabulary, (batch, length))


def next_tokens(x, vocabulary):
    target = torch.cat([x[:, 1:], torch.randint(0, vocabulary, (len(x), 1))], 1)
    target[0, :2] = -1
    return target


def language(config_class, model_class, attention, **more):
    x = ids(3, 6, 24)
    config = config_class(vocab_size=24, attn_implementation=attention, tie_word_embeddings=False, **more)
    return Logits(model_class(config), use_cache=False), x, 'causal', next_tokens(x, 24)


def gpt2(attention):
    return language(tf.GPT2Config, tf.GPT2LMHeadModel, attention, n_layer=2, n_embd=8, n_head=2, n_positions=6)


def llama(attention):
    return language(tf.LlamaConfig, tf.LlamaForCausalLM, attention, num_hidden_layers=2, hidden_size=8,
                    intermediate_size=12, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=8)


def bert():
    config = tf.BertConfig(num_hidden_layers=2, hidden_size=8, intermediate_size=12, num_attention_heads=2,
                           vocab_size=24, max_position_embeddings=6, attn_implementation='eager', num_labels=3)
    return Logits(tf.BertForSequenceClassification(config)), ids(3, 6, 24), 'cross-entropy', torch.tensor([0, 2, 1])


def cnn():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, stride=2, groups=2),
                          nn.GroupNorm(2, 6), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(6, 5))
    return model, torch.randn(4, 1, 12, 12), 'cross-entropy', torch.tensor([0, 4, 2, 1])


each('lr', lambda: (nn.Linear(6, 1), torch.randn(5, 6), 'binary', torch.tensor([1., 0, 1, 1, 0])))
each('regression', lambda: (nn.Linear(4, 2), torch.randn(5, 4), 'squared', torch.randn(5, 2)))
each('mlp', lambda: (nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3)),
                     3 * torch.randn(5, 7), 'cross-entropy', torch.tensor([0, 2, 1, 1, 0])))
each('cnn', cnn)
each('gpt2', lambda: gpt2('eager'))
each('gpt2-sdpa', lambda: gpt2('sdpa'))
each('llama', lambda: llama('eager'))
each('llama-sdpa', lambda: llama('sdpa'))
each('bert', bert)
