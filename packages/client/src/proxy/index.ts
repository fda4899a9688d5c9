export { type AzureRoute, parseAzurePath } from './azure.ts'
export type { AdmissionOptions } from './admission.ts'
export { createProxy, type ProxyOptions } from './handler.ts'
export type { ProxyOwner } from './owner-guard.ts'
export { isLoopback } from './rules.ts'
export { type RunningProxy, startProxy, type StartProxyOptions } from './server.ts'
export type { ProxyTls } from './tls.ts'
export {
  newUserKey,
  type ProxyUser,
  type ProxyUsers,
  USER_NAME,
  type UserKey,
  type UserLimits,
} from './users.ts'
export { changeProxyUsers, readProxyUsers } from './users-file.ts'
