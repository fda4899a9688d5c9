import type { Sotto } from '@sotto/client'

/** Names that a hint shows; a long list helps nobody. */
const MAX_NAMES = 8
/** Names come from the service: no control characters, no novels. */
const NAME = /^[\w./:-]{1,128}$/

/** What to do about a model the service does not know: the names of those that it has. */
export async function servedModelsHint(sotto: Sotto, signal: AbortSignal | undefined): Promise<string> {
  const names = await servedModels(sotto, signal).catch(() => [])
  if (names.length === 0) return 'leave --model out, then the service chooses'
  const shown = names.slice(0, MAX_NAMES).join(', ')
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
  return `it serves ${shown}${more}; sotto models ls lists pulled ones, sotto up --models DIR serves them`
}

/** Names of what the service serves; none where it does not say. */
export async function servedModels(sotto: Sotto, signal: AbortSignal | undefined): Promise<string[]> {
  const response = await sotto.fetch(`${sotto.baseURL}/models`, signal === undefined ? {} : { signal })
  const { data } = (await response.json()) as { data?: unknown }
  if (!response.ok || !Array.isArray(data)) return []
  return (data as ({ id?: unknown } | null)[])
    .map((model) => model?.id)
    .filter((id): id is string => typeof id === 'string' && NAME.test(id))
}
