/** What a path under `/v2` addresses. */
export type Target =
  | { readonly kind: 'server' | 'live' | 'ready' | 'index' | 'unknown' }
  | { readonly kind: 'unsupported'; readonly what: string }
  | {
      readonly kind: 'model' | 'model-ready' | 'infer'
      readonly id: string
      /** Undefined: whatever is served. */
      readonly version: string | undefined
    }

/** Longest name of a model, as manifests have it, and longest version. */
const MAX_ID_LENGTH = 128

/** Paths of the protocol's extensions that are known and not offered. */
const OTHER_VERBS: ReadonlySet<string> = new Set([
  'config',
  'generate',
  'generate_stream',
  'load',
  'stats',
  'trace',
  'unload',
])

/**
 * Reads a path of the Open Inference Protocol (REST). Ids may have slashes, as in `owner/name`: the words at the
 * end are the protocol's, everything before them is the id. An id that ends like one of those words is addressed
 * with its slashes written `%2F`.
 */
export function parsePath(pathname: string): Target {
  const segments = pathname.split('/').slice(2)
  const [first, second] = segments
  if (first === undefined) return { kind: 'server' }
  if (first === 'health' && segments.length === 2 && (second === 'live' || second === 'ready'))
    return { kind: second }
  if (first === 'repository') {
    if (segments.length === 2 && second === 'index') return { kind: 'index' }
    return { kind: 'unsupported', what: 'loading and unloading models' }
  }
  return first === 'models' ? modelTarget(segments.slice(1)) : { kind: 'unknown' }
}

function modelTarget(rest: string[]): Target {
  const last = rest.at(-1)!
  let kind: 'model' | 'model-ready' | 'infer' = 'model'
  if (rest.length > 1) {
    if (OTHER_VERBS.has(last)) return { kind: 'unsupported', what: `the extension ${last}` }
    if (last === 'ready') kind = 'model-ready'
    if (last === 'infer') kind = 'infer'
    if (kind !== 'model') rest = rest.slice(0, -1)
  }
  let version: string | undefined
  if (rest.length > 2 && rest.at(-2) === 'versions') {
    version = decode(rest.at(-1)!)
    if (version === undefined) return { kind: 'unknown' }
    rest = rest.slice(0, -2)
  }
  const id = decode(rest.join('/'))
  return id === undefined ? { kind: 'unknown' } : { kind, id, version }
}

function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return decoded !== '' && decoded.length <= MAX_ID_LENGTH ? decoded : undefined
  } catch {
    return undefined
  }
}
