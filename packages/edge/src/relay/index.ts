export { createRelay, createRelayApp, type Relay, type RelayOptions } from './app.ts'
export { DEFAULT_RELAY_LIMITS, relayConfig, type RelayConfig, type RelayLimits } from './config.ts'
export { createNodeUpstream } from './node-upstream.ts'
export type { Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts'
