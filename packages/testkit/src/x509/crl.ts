import { extension, type FakeExtension, signatureAlgorithm, signed } from './certificate.ts'
import { der, explicit, integer, name, sequence, time } from './der-writer.ts'
import { FAKE_NOW, type FakeKey, type FakeSigner } from './key.ts'

/** What a CRL says; the defaults are those of a list that is empty, genuine and in date. */
export interface CrlOptions {
  revoked?: readonly {
    serialNumber: Uint8Array
    at?: number
    /** CRLReason of RFC 5280 Section 5.3.1. */
    reason?: number
    extensions?: readonly FakeExtension[]
  }[]
  thisUpdate?: number
  /** `null` leaves it out. */
  nextUpdate?: number | null
  extensions?: readonly FakeExtension[]
  /** Names this issuer instead of the one that signs. */
  issuerName?: string
  /** Signs with this key instead of the issuer's. */
  signWith?: FakeKey
}

/** A version 2 CRL. */
export function crlDer(issuer: FakeSigner, options: CrlOptions = {}): Uint8Array {
  const { revoked = [], thisUpdate = FAKE_NOW - 3600, nextUpdate = FAKE_NOW + 86_400 } = options
  const signer = options.signWith ?? issuer.key
  const algorithm = signatureAlgorithm(signer)
  const entries = revoked.map(({ serialNumber, at = thisUpdate, reason, extensions = [] }) => {
    const all = reason === undefined ? extensions : [reasonCode(reason), ...extensions]
    return sequence(
      integer(serialNumber),
      time(at),
      ...(all.length > 0 ? [sequence(...all.map(extension))] : []),
    )
  })
  const number = { oid: '2.5.29.20', value: integer(Uint8Array.of(1)) }
  const tbs = sequence(
    integer(Uint8Array.of(1)),
    algorithm,
    name(options.issuerName ?? issuer.commonName),
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    explicit(0, sequence(...[number, ...(options.extensions ?? [])].map(extension))),
  )
  return signed(tbs, algorithm, signer)
}

function reasonCode(reason: number): FakeExtension {
  return { oid: '2.5.29.21', value: der(0x0a, Uint8Array.of(reason)) }
}
