export type { PrefixCache, UpstreamConfig, UpstreamTask, WeightsConfig } from './types.ts'
export { Upstream } from './upstream.ts'
