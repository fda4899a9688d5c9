import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../src/bytes/index.ts'
import { publicCrypto } from '../../src/crypto-backend/index.ts'
import { pae } from '../../src/dsse/index.ts'
import { type OmsKey, omsKeyHint, type OmsSigner, signOms } from '../../src/oms/index.ts'
import { type FakeKey, fakeKey, fakeRoot } from '@sotto/testkit/x509'

const root = fakeRoot({ commonName: 'Root' })
/** Its certificate is only here to write its key down as DER. */
const holder = root.issue({ commonName: 'Signer' })

export const key: FakeKey = holder.key
export const pinned: OmsKey = {
  publicKey: holder.certificate.publicKey,
  hint: omsKeyHint(holder.certificate.spki),
}
export const signer: OmsSigner = { identity: { hint: pinned.hint }, sign: (message) => key.sign(message) }
export const otherKey: FakeKey = fakeKey()

export const digestOf = (text: string): string => toHex(publicCrypto.sha256(utf8(text)))

/** A model of two files, signed. */
export const files = [
  { path: 'a/weights', digest: digestOf('weights') },
  { path: 'config.json', digest: digestOf('{}') },
]
export const signature = signOms({ name: 'model', files, ignorePaths: ['model.sig'] }, signer)

/** A bundle as JSON, changed, as bytes. */
export function edited(change: (bundle: Bundle) => void): Uint8Array {
  const bundle = JSON.parse(fromUtf8(signature)) as Bundle
  change(bundle)
  return utf8(JSON.stringify(bundle))
}

/** A bundle whose statement is changed and signed again. */
export function resigned(change: (statement: Statement) => void): Uint8Array {
  return edited((bundle) => {
    const statement = JSON.parse(fromUtf8(fromBase64(bundle.dsseEnvelope.payload))) as Statement
    change(statement)
    signText(bundle, JSON.stringify(statement))
  })
}

/** Puts a payload into a bundle and signs it. */
export function signText(bundle: Bundle, text: string): void {
  const payload = utf8(text)
  bundle.dsseEnvelope.payload = toBase64(payload)
  bundle.dsseEnvelope.signatures[0]!.sig = toBase64(key.sign(pae('application/vnd.in-toto+json', payload)))
}

/** Resources with the digest over them that a statement has to have. */
export function setResources(statement: Statement, resources: Statement['predicate']['resources']): void {
  statement.predicate.resources = resources
  const all = Uint8Array.from(Buffer.from(resources.map(({ digest }) => digest).join(''), 'hex'))
  statement.subject[0]!.digest.sha256 = toHex(publicCrypto.sha256(all))
}

export interface Bundle {
  mediaType: string
  verificationMaterial: Record<string, unknown>
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: unknown }[] }
}

export interface Statement {
  _type: string
  subject: { name: string; digest: Record<string, string> }[]
  predicateType: string
  predicate: {
    serialization: Record<string, unknown>
    resources: { name: string; algorithm: string; digest: string }[]
    [name: string]: unknown
  }
}
