import { equalBytes } from '@sotto/protocol/bytes'
import type { FieldObject } from '../family/index.ts'
import type { ReferencedDevice } from './facts.ts'

/**
 * Index of the measurement of the video decoder, which has no meaning while NVDEC0_STATUS says that the decoder is
 * disabled in hardware; NVIDIA's own verifiers leave it out then as well.
 */
const NVDEC0_INDEX = 35

/** How measurements compare with what NVIDIA says they must be. */
export interface Comparison {
  /** Number of values that count in all manifests. */
  active: number
  /** Indices that two manifests both speak of: neither can be right about a measurement of the other. */
  conflict: number[]
  /** Indices whose measurement is missing or is none of the allowed values. */
  mismatch: number[]
}

/** Compares the measurements of a device with its manifests: index i is block i + 1. */
export function compareMeasurements({ device, references }: ReferencedDevice): Comparison {
  const { report } = device
  const measured = new Map(report.spdm.blocks.map(({ index, value }) => [index - 1, value]))
  const seen = new Set<number>()
  const comparison: Comparison = { active: 0, conflict: [], mismatch: [] }
  for (const { golden } of references.values()) {
    for (const [index, allowed] of golden) {
      comparison.active++
      if (seen.has(index)) comparison.conflict.push(index)
      seen.add(index)
      if (index === NVDEC0_INDEX && report.nvdec0 === false) continue
      const found = measured.get(index)
      if (found === undefined || !allowed.some((value) => equalBytes(value, found)))
        comparison.mismatch.push(index)
    }
  }
  return comparison
}

/** A comparison in the names of other suites; switches have no decoder and one manifest. */
export function comparisonFields(
  { device }: ReferencedDevice,
  { active, conflict, mismatch }: Comparison,
): FieldObject {
  if (device.architecture === 'ls10') return { active, mismatch }
  return { nvdec0: device.report.nvdec0 ?? null, conflict, active, mismatch }
}
