import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { gpuNonce } from './gpu-commitment.ts'
import type { PolicyFamily } from './types.ts'

/** Where evidence of one family carries what it is bound to (T8). */
export interface FamilyBinding {
  /** The field, by the vendor's name. */
  field: string
  /** What stands in it, in words. */
  carries: string
  /** What the family compares the field with, made of the 64-byte binding. */
  expectation(binding: Uint8Array): Uint8Array
  /** The step of a verdict that compared it; it must have passed. */
  step: string
}

const asItIs = (binding: Uint8Array): Uint8Array => binding

/** Which field of which family is bound. One table for the code and for docs/policy.md. */
export const BINDINGS: Readonly<Record<PolicyFamily, FamilyBinding>> = {
  'sev-snp': {
    field: 'REPORT_DATA',
    carries: 'the binding',
    expectation: asItIs,
    step: 'sev-snp.report-data',
  },
  tdx: { field: 'REPORTDATA', carries: 'the binding', expectation: asItIs, step: 'tdx.binding' },
  sgx: { field: 'REPORTDATA', carries: 'the binding', expectation: asItIs, step: 'sgx.binding' },
  nitro: { field: 'user_data', carries: 'the binding', expectation: asItIs, step: 'nitro.binding' },
  nvidia: {
    field: 'nonce of the SPDM request, or eat_nonce of the token',
    carries: 'gpuNonce of the binding, 32 bytes',
    expectation: gpuNonce,
    step: 'nvidia.nonce',
  },
  'azure-cvm': {
    field: 'extraData of the TPM quote',
    // A TPM without SHA-512 takes at most 50 bytes there (TPM 2.0 Part 2, TPM2B_DATA).
    carries: 'SHA-384 of the binding',
    expectation: (binding) => publicCrypto.sha384(binding),
    step: 'azure-cvm.nonce',
  },
  'azure-maa': {
    field: 'x-ms-sgx-report-data, x-ms-sevsnpvm-reportdata or tdx_report_data',
    carries: 'the binding',
    expectation: asItIs,
    step: 'azure-maa.binding',
  },
  'gcp-confidential-space': {
    field: 'eat_nonce',
    carries: 'the binding as base64url, 86 characters',
    expectation: (binding) => utf8(toBase64Url(binding)),
    step: 'gcp-confidential-space.binding',
  },
  software: {
    field: 'REPORT_DATA',
    carries: 'the binding',
    expectation: asItIs,
    step: 'software.report-data',
  },
}

/** Whether evidence of a family comes from a processor itself, not from a service that looked at one. */
export function isHardwareFamily(family: PolicyFamily): boolean {
  return isProcessorFamily(family) && !['azure-maa', 'gcp-confidential-space'].includes(family)
}

/** Whether a family vouches for a processor or a service; a GPU alone is never acceptable. */
export function isProcessorFamily(family: PolicyFamily): boolean {
  return family !== 'nvidia'
}
