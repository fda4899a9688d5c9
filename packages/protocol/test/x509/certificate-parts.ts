import { expect } from 'vitest'
import { TAG } from '@sotto/protocol/der'
import { derWriter, FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'

export const { bits, boolean, der, explicit, integer, name, nothing, octets, oid, sequence, time } = derWriter
export const malformed = expect.objectContaining({ code: 'X509_MALFORMED', action: 'fix-input' })

export const root = fakeRoot({ curve: 'P-384' })

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'))
export const extension = (id: string, value: Uint8Array, ...critical: Uint8Array[]): Uint8Array =>
  sequence(oid(id), ...critical, octets(value))
export const EXTENSIONS = [
  extension('2.5.29.19', sequence(boolean(true), integer(Uint8Array.of(1))), boolean(true)),
  extension('2.5.29.15', derWriter.namedBits(0x60), boolean(true)),
]
const NONE: Uint8Array = new Uint8Array(0)
const PARTS = {
  version: explicit(0, integer(Uint8Array.of(2))),
  serial: integer(Uint8Array.of(1)),
  inner: ECDSA,
  issuer: name('Issuer'),
  validity: sequence(time(FAKE_NOW), time(FAKE_NOW + 1)),
  subject: name('Subject'),
  spki: root.certificate.spki,
  extensions: explicit(3, sequence(...EXTENSIONS)),
  moreFields: NONE,
  outer: ECDSA,
  signature: bits(Uint8Array.of(1)),
  more: NONE,
}
/** A certificate of the given pieces; nobody checks its signature here. */
export function assemble(changes: Partial<typeof PARTS> = {}): Uint8Array {
  const part = { ...PARTS, ...changes }
  const tbs = sequence(
    part.version,
    part.serial,
    part.inner,
    part.issuer,
    part.validity,
    part.subject,
    part.spki,
    part.extensions,
    part.moreFields,
  )
  return sequence(tbs, part.outer, part.signature, part.more)
}
export const withExtensions = (...list: Uint8Array[]): Uint8Array =>
  assemble({ extensions: explicit(3, sequence(...list)) })
export const attribute = (tag: number, content: Uint8Array): Uint8Array =>
  sequence(der(TAG.SET, sequence(oid('2.5.4.3'), der(tag, content))))
