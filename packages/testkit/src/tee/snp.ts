import { fromHex } from '@sotto/protocol/bytes'
import { commitToGpus, gpuNonce } from '@sotto/verifier/appraisal'
import type { FakeDevice, FakeNvidia } from '../nvidia/index.ts'
import type { FakeAmd } from '../snp/index.ts'
import { encodePiece } from './encode.ts'
import type { FakeTee } from './types.ts'

/** A guest on a Milan of this vendor. */
export function snpTee(amd: FakeAmd): FakeTee {
  const chip = amd.chip()
  return {
    platform: { name: 'milan', allOf: [{ family: 'sev-snp', requireRevocation: false }] },
    pins: ({ measurement, hostData }) => ({
      family: 'sev-snp',
      measurements: [measurement],
      hostData: [hostData],
    }),
    evidence({ measurement, hostData }, reportData) {
      const report = chip.report({
        measurement: fromHex(measurement),
        hostData: fromHex(hostData),
        reportData,
      })
      return [encodePiece('sev-snp', report, chip.collateral)]
    },
  }
}

/**
 * The same beside GPUs, which answer the nonce of the binding; the report commits to what they answered (T9).
 *
 * @param devices default one; a test may show others than those that the report commits to
 */
export function snpGpuTee(
  amd: FakeAmd,
  nvidia: FakeNvidia,
  devices: { committed: FakeDevice[]; shown?: FakeDevice[] } = { committed: [nvidia.device()] },
): FakeTee {
  const { platform, pins, evidence } = snpTee(amd)
  const { committed, shown = committed } = devices
  const allOf = [...platform.allOf, { family: 'nvidia' as const, requireOcsp: false }]
  const count = committed.length
  return {
    platform: { name: 'milan-h100', allOf, gpuBinding: { minGpus: count, maxGpus: count } },
    pins,
    evidence(image, binding) {
      const nonce = gpuNonce(binding)
      const reports = new Map([...committed, ...shown].map((device) => [device, device.report({ nonce })]))
      const carried = commitToGpus(
        binding,
        committed.map((device) => reports.get(device)!),
      )
      const gpus = shown.map((device) =>
        encodePiece('nvidia', reports.get(device)!, { chain: device.chain, ...nvidia.rims() }),
      )
      return [...evidence(image, carried), ...gpus]
    },
  }
}
