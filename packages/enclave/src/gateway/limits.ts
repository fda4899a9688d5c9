import { uploadLimits } from '@sotto/protocol/sizes'
import type { GatewayLimits } from './exchange.ts'

/** Bounds of exchanges, and how many there may be at once. */
export type GatewayCaps = GatewayLimits & { exchanges: number }

const MIB = 2 ** 20

/** Defaults: the largest upload when nobody says another, within half an hour; 512 exchanges at once. */
export const DEFAULT_GATEWAY_LIMITS: GatewayCaps = {
  contentBytes: uploadLimits().messageBytes,
  idleMs: 30_000,
  totalMs: 1_800_000,
  wholeRequestBytes: 32 * MIB,
  wholeResponseBytes: 16 * MIB,
  allWholeBytes: 256 * MIB,
  exchanges: 512,
}
