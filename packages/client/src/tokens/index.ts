export { openTokenPool, type OpenTokenPoolOptions } from './open-pool.ts'
export type { TokenPool } from './pool.ts'
export { refusalOf, withToken } from './spend.ts'
export type { TokenOptions } from './types.ts'
