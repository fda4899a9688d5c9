import { FAKE_NOW } from '@sotto/testkit/x509'
import { type FakeDevice, fakeNvidia } from '@sotto/testkit/nvidia'
import type { Collateral, EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import { type NvidiaPolicy, verifyNvidia } from '@sotto/verifier/nvidia'

export const vendor = fakeNvidia()
export const rims: Collateral = vendor.rims()
export const h100 = vendor.device()
export const NONCE = new Uint8Array(32).fill(0x11)

export interface Wanted extends Partial<EvidenceInput<NvidiaPolicy>> {
  device?: FakeDevice
}
export function judge({ device = h100, ...input }: Wanted = {}): EvidenceVerdict {
  const collateral = { chain: device.chain, ...rims }
  return verifyNvidia({ evidence: device.report(), collateral, at: FAKE_NOW, ...input }, vendor.roots)
}
