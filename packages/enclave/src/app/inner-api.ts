import type { App } from '@sotto/serve/errors'
import type { ModelDirectory } from '../api/index.ts'
import { runAs } from '../engines/index.ts'
import { INNER_AUTHORITY, type InnerApp, REQUEST_FIELDS } from '../gateway/index.ts'

/** Under which an app shares engines with everybody who asks for a model directly (T19). */
const PARTY = 'app'
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST'])

/**
 * The inner API as an app beside it uses it: the same routes and fields as for clients. Nothing here leads back to the app.
 * @param api of {@link modelsForApp}, without routes for owners
 */
export function apiForApp(api: InnerApp): App {
  return async (request) => {
    if (!METHODS.has(request.method)) return new Response(null, { status: 405 })
    const { pathname, search } = new URL(request.url)
    const headers = new Headers()
    for (const [name, value] of request.headers) if (REQUEST_FIELDS.has(name)) headers.append(name, value)
    const { method, body, signal } = request
    const init = { method, headers, body, signal, duplex: 'half' } as RequestInit
    return runAs(PARTY, () => api(new Request(`https://${INNER_AUTHORITY}${pathname}${search}`, init)))
  }
}

/**
 * The models an app may name. Of owners' models those that the measured configuration keeps loaded, by their names or by
 * aliases, and no others: what nobody has loaded is asked for at the registry, outside, and an app that chose when, and
 * which of them, could say anything with it.
 * @param pinned owners' models that the configuration keeps loaded
 */
export function modelsForApp(models: ModelDirectory, pinned: readonly string[]): ModelDirectory {
  const { onDemand, aliases = {} } = models
  if (onDemand === undefined) return models
  const known = new Set(pinned)
  return {
    list: () => models.list(),
    aliases,
    onDemand: {
      find: async (name) => (known.has(name) ? onDemand.find(name) : undefined),
      describe: async (name) => (known.has(name) ? onDemand.describe(name) : undefined),
    },
  }
}
