import { parseAzurePath } from './azure.ts'
import { isSealedModelsPath } from './sealed-models.ts'
import { isTensorPath } from './tensor-route.ts'

/** Kinds of requests, as metrics and log lines tell them apart: never a path. */
export const ROUTES = [
  'chat',
  'completions',
  'responses',
  'embeddings',
  'summaries',
  'audio',
  'models',
  'sealed-models',
  'tensors',
  'app',
  'local',
  'other',
] as const

/** One of {@link ROUTES}. */
export type Route = (typeof ROUTES)[number]

const FIRST_SEGMENTS: Readonly<Record<string, Route | undefined>> = {
  __proto__: null as never,
  chat: 'chat',
  completions: 'completions',
  responses: 'responses',
  embeddings: 'embeddings',
  summaries: 'summaries',
  audio: 'audio',
  models: 'models',
}

/** First segments that the proxy itself or the API have; everything else is the app's, where there is one. */
const RESERVED: ReadonlySet<string> = new Set(['v1', 'v2', 'openai', 'sotto', 'healthz'])

/** Whether a path is the app's. */
export function isAppPath(pathname: string): boolean {
  return !RESERVED.has(pathname.split('/', 2)[1] ?? '')
}

/** Which kind of request a path stands for. */
export function routeOf(pathname: string, hasApp: boolean): Route {
  if (pathname === '/healthz' || pathname.startsWith('/sotto/')) return 'local'
  if (isAppPath(pathname)) return hasApp ? 'app' : 'other'
  if (isTensorPath(pathname)) return 'tensors'
  if (isSealedModelsPath(pathname)) return 'sealed-models'
  const path = parseAzurePath(pathname)?.path ?? pathname.replace(/^\/openai(?=\/v1\/)/, '')
  return FIRST_SEGMENTS[/^\/v1\/([a-z-]+)(?:\/|$)/.exec(path)?.[1] ?? ''] ?? 'other'
}
