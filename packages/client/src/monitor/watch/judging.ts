import { fromBase64Url } from '@sotto/protocol/bytes'
import { verifyDsse, type DsseEnvelope } from '@sotto/protocol/dsse'
import { documentDigest } from '@sotto/protocol/keyrelease'
import type { AlertCode, Expectations } from '../types.ts'
import type { WatchState } from './state.ts'

/** What judging one entry works with. */
export interface Judging {
  state: WatchState
  expect: Expectations
  entry: Uint8Array
  envelope: DsseEnvelope
  index: number
  /** Raises an alert about this entry. */
  alert(code: AlertCode, message: string, expected?: string, found?: string): void
}

/** Whether one of these Ed25519 keys signed. */
export function isSigned(envelope: DsseEnvelope, keys: readonly string[]): boolean {
  try {
    verifyDsse(envelope, envelope.payloadType, keys.map(fromBase64Url))
    return true
  } catch {
    return false
  }
}

/** Whether a statement key signed that the root key certified; with a time, one certified for it. */
export function isCertified({ state, envelope }: Judging, at?: number): boolean {
  const keys = state.certificates.filter(
    ({ notBefore, notAfter }) => at === undefined || (notBefore <= at && at <= notAfter),
  )
  return isSigned(envelope, [...new Set(keys.map(({ key }) => key))])
}

/** Digest of the signed document. */
export function digestOf(envelope: DsseEnvelope): string {
  return documentDigest(envelope.payload)
}

/** What a decoder makes of the document; undefined, and an alert, where it is none. */
export function decoded<T>(
  { envelope, alert }: Judging,
  code: AlertCode,
  decode: (payload: Uint8Array) => T,
): T | undefined {
  try {
    return decode(envelope.payload)
  } catch (error) {
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    alert(code, `the document is malformed: ${message}`, expected, found)
    return undefined
  }
}
