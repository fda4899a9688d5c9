import type { VerifiedPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import type { CollateralDate, EvidenceInput, FieldValue } from '../family/index.ts'
import type { NvidiaCollateral } from './collateral.ts'
import type { DeviceEvidence, NvidiaDevice } from './evidence.ts'
import type { RevocationStatus } from './revocation.ts'
import type { NvidiaPolicy } from './policy.ts'
import type { Rim, RimKind } from './rim.ts'
import type { NvidiaRoots } from './roots.ts'

/** A manifest that NVIDIA signed, with the path of its signer. */
export interface Reference {
  rim: Rim
  path: VerifiedPath
}

/** A device with the manifests that are about it. */
export interface ReferencedDevice {
  device: NvidiaDevice
  references: ReadonlyMap<RimKind, Rim>
}

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface NvidiaFacts {
  input: EvidenceInput<NvidiaPolicy>
  policy: NvidiaPolicy
  roots: NvidiaRoots
  collateral: NvidiaCollateral
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>
  validUntil?: number
  dates?: readonly CollateralDate[]
  /** Structure only. */
  reports?: readonly DeviceEvidence[]
  /** With certificates; whom they are of is for the chain to say. */
  devices?: readonly NvidiaDevice[]
  /** Of the devices, in the same order. */
  paths?: readonly VerifiedPath[]
  /** Those of the manifests given that NVIDIA signed. */
  references?: readonly Reference[]
  referenced?: readonly ReferencedDevice[]
  revocation?: RevocationStatus
  /** Number of reference values that were equal. */
  matched?: number
}

/**
 * Runs a check on every item and refuses with everything that was wrong, under the labels of items that have one;
 * the class is that of the first.
 *
 * @throws Refusal
 */
export function forEach<Item extends object, Result>(
  items: readonly Item[],
  run: (item: Item) => Result,
): Result[] {
  const results: Result[] = []
  const refusals: Refusal[] = []
  for (const item of items) {
    try {
      results.push(run(item))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { label = '' } = item as { label?: string }
      refusals.push(new Refusal(label + error.message, error.expected, error.found, error.class))
    }
  }
  throwAll(refusals)
  return results
}

/** Throws one refusal that says all of them. */
export function throwAll(refusals: readonly Refusal[]): void {
  const [first, ...more] = refusals
  if (first === undefined) return
  const reason = [first, ...more].map(({ message }) => message).join('; ')
  throw new Refusal(reason, first.expected, first.found, first.class)
}
