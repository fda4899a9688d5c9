import { concat, fromHex } from '@sotto/protocol/bytes'
import { bundleBytes, type FakeIntel } from '../dcap/index.ts'
import { encodePiece } from './encode.ts'
import type { FakeTee } from './types.ts'

/** A TD on a platform of this vendor, with all collateral. */
export function tdxTee(intel: FakeIntel): FakeTee {
  const pad = (digest: string): string => digest.padEnd(96, '0')
  return {
    platform: { name: 'tdx', allOf: [{ family: 'tdx' }] },
    pins: ({ measurement, hostData }) => ({
      family: 'tdx',
      mrTd: [measurement],
      rtmr1: ['11'.repeat(48)],
      rtmr2: ['22'.repeat(48)],
      mrConfigId: [pad(hostData)],
    }),
    evidence({ measurement, hostData }, reportData) {
      const quote = intel.tdQuote({
        MRTD: fromHex(measurement),
        RTMR: [new Uint8Array(48), new Uint8Array(48).fill(0x11), new Uint8Array(48).fill(0x22)],
        MRCONFIGID: concat(fromHex(hostData), new Uint8Array(16)),
        REPORTDATA: reportData,
      })
      return [encodePiece('tdx', quote, bundleBytes(intel.bundle('tdx')))]
    },
  }
}
