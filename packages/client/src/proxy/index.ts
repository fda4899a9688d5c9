export { type AzureRoute, parseAzurePath } from './azure.ts'
export { createProxy, type ProxyOptions } from './handler.ts'
export type { ProxyOwner } from './owner-guard.ts'
export { type RunningProxy, startProxy, type StartProxyOptions } from './server.ts'
