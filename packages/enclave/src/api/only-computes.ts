const PATHS: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/summaries',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
])
const INFER = /^\/v2\/models\/.+\/infer$/

/**
 * Whether a request asks for an answer and changes nothing that anybody can see: begun in vain, it has cost time.
 * @param path with its query
 */
export function onlyComputes(method: string, path: string): boolean {
  const [name] = path.split('?', 1)
  return method === 'POST' && (PATHS.has(name!) || INFER.test(name!))
}
