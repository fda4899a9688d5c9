export { createRegistryApp, REGISTRY_STATUSES, type RegistryAppOptions } from './app.ts'
export { registryConfig, type RegistryConfig } from './config.ts'
export { openRegistry, type OpenRegistryOptions, type RunningRegistry } from './open-registry.ts'
export type { Swept } from './sweep.ts'
