import type { OnnxNode } from './types.ts'

/** Key under which PyTorch's exporter says which modules a node comes from, outermost first, then the node itself. */
const NAME_SCOPES = 'pkg.torch.onnx.name_scopes'

/** At most so many modules lie in each other. */
const MAX_SCOPES = 64

/**
 * The module that a node comes from, as its exporter says: the longest path, `model.layers.0.self_attn.q_proj`.
 * Undefined where nobody says it. It is a name from the model, and decides nothing but what an owner calls by it.
 */
export function scopeOf(node: OnnxNode): string | undefined {
  const text = node.metadata.get(NAME_SCOPES)
  if (text === undefined || !/^\[.*\]$/s.test(text)) return undefined
  const scopes = Array.from(text.matchAll(/'([^']*)'/g), ([, scope = '']) => scope).slice(0, MAX_SCOPES)
  // The last entry is the node's own name.
  return scopes.slice(0, -1).findLast((scope) => scope !== '')
}
