export { type AzureRoute, parseAzurePath } from './azure.ts'
export { createProxy, type ProxyOptions } from './handler.ts'
export { type RunningProxy, startProxy, type StartProxyOptions } from './server.ts'
