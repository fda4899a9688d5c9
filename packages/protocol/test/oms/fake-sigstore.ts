import { concat, fromBase64, fromHex, fromUtf8, toBase64, toHex, uint, utf8 } from '../../src/bytes/index.ts'
import { publicCrypto } from '../../src/crypto-backend/index.ts'
import { TAG } from '../../src/der/index.ts'
import { canonicalJson } from '../../src/jcs/index.ts'
import { leafHash, nodeHash } from '../../src/merkle/index.ts'
import { signOms } from '../../src/oms/index.ts'
import { KEY_USAGE } from '../../src/x509/index.ts'
import {
  derWriter,
  FAKE_NOW,
  type FakeCertificateOptions,
  type FakeExtension,
  type FakeIdentity,
  type FakeKey,
  fakeKey,
  fakePem,
  fakeRoot,
} from '@sotto/testkit/x509'

const { bits, der, octets, oid, sequence } = derWriter

export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
export const IDENTITY = 'signer@example.com'
export const ISSUER = 'https://issuer.example'

/** A Sigstore deployment of one's own: an authority with an intermediate, a log of certificates and one of signatures. */
export const fulcioRoot: FakeIdentity = fakeRoot({ commonName: 'Fulcio root' })
export const fulcio: FakeIdentity = fulcioRoot.issue({
  commonName: 'Fulcio',
  ca: true,
  pathLength: 0,
  extendedKeyUsage: [CODE_SIGNING],
})
export const certificateLog: FakeKey = fakeKey()
export const rekor: FakeKey = fakeKey()

const spkiOf = (key: FakeKey): Uint8Array =>
  sequence(sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), bits(key.publicKey))
/** SHA-256 of SubjectPublicKeyInfo. */
export const logIdOf = (key: FakeKey): Uint8Array => publicCrypto.sha256(spkiOf(key))

/** GeneralNames. */
export const names = (...list: Uint8Array[]): FakeExtension => ({
  oid: '2.5.29.17',
  critical: true,
  value: sequence(...list),
})
export const email = (text: string): Uint8Array => der(0x81, utf8(text))
export const uri = (text: string): Uint8Array => der(0x86, utf8(text))
export const userName = (text: string, type = '1.3.6.1.4.1.57264.1.7'): Uint8Array =>
  der(0xa0, oid(type), derWriter.explicit(0, der(TAG.UTF8_STRING, utf8(text))))
export const issuerText = (text: string): FakeExtension => ({
  oid: '1.3.6.1.4.1.57264.1.1',
  value: utf8(text),
})
export const issuer = (text: string): FakeExtension => ({
  oid: '1.3.6.1.4.1.57264.1.8',
  value: der(TAG.UTF8_STRING, utf8(text)),
})
export const USUAL: readonly FakeExtension[] = [names(email(IDENTITY)), issuerText(ISSUER), issuer(ISSUER)]

/** What a certificate transparency log says of a certificate. */
export interface FakeSct {
  key?: FakeKey
  /** Unix milliseconds. */
  timestamp?: number
  version?: number
  algorithm?: number
}

/** A certificate for ten minutes, with the timestamps of logs. */
export function certify(change: FakeCertificateOptions = {}, scts: readonly FakeSct[] = [{}]): FakeIdentity {
  const options: FakeCertificateOptions = {
    commonName: 'Signer',
    serialNumber: Uint8Array.of(7),
    key: fakeKey(),
    notBefore: FAKE_NOW - 300,
    notAfter: FAKE_NOW + 300,
    keyUsage: KEY_USAGE.digitalSignature,
    extendedKeyUsage: [CODE_SIGNING],
    extensions: USUAL,
    ...change,
  }
  // Without timestamps it is what the log sees, to the byte.
  const { tbs } = fulcio.issue(options).certificate
  if (scts.length === 0) return fulcio.issue(options)
  const list = concat(...scts.map((sct) => vector(signSct(sct, tbs))))
  const extension = { oid: '1.3.6.1.4.1.11129.2.4.2', value: octets(vector(list)) }
  return fulcio.issue({ ...options, extensions: [...options.extensions!, extension] })
}

function signSct(sct: FakeSct, tbs: Uint8Array): Uint8Array {
  const { key = certificateLog, timestamp = FAKE_NOW * 1000, version = 0, algorithm = 0x0403 } = sct
  const signed = concat(
    fromHex('0000'),
    uint(timestamp, 8),
    fromHex('0001'),
    publicCrypto.sha256(fulcio.certificate.spki),
    uint(tbs.length, 3),
    tbs,
    fromHex('0000'),
  )
  return concat(
    uint(version, 1),
    logIdOf(key),
    uint(timestamp, 8),
    fromHex('0000'),
    uint(algorithm, 2),
    vector(key.sign(signed)),
  )
}

const vector = (bytes: Uint8Array): Uint8Array => concat(uint(bytes.length, 2), bytes)

/** A log's entry, as a bundle has it. */
export interface Entry {
  logIndex?: unknown
  logId: { keyId: string }
  kindVersion: { kind: string; version: string }
  integratedTime?: unknown
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof: {
    logIndex?: unknown
    rootHash: string
    treeSize: unknown
    hashes?: string[]
    checkpoint: { envelope: string }
  }
  canonicalizedBody: string
}

/** Takes a body in, between two others, in the second shard of a log. */
export function logged(body: Uint8Array, time: number = FAKE_NOW, key: FakeKey = rekor): Entry {
  const logId = logIdOf(key)
  const [before, after] = [leafHash(utf8('before')), leafHash(utf8('after'))]
  const root = nodeHash(nodeHash(before, leafHash(body)), after)
  const promised = { body: toBase64(body), integratedTime: time, logID: toHex(logId), logIndex: 1001 }
  return {
    logIndex: '1001',
    logId: { keyId: toBase64(logId) },
    kindVersion: { kind: 'dsse', version: '0.0.1' },
    integratedTime: `${time}`,
    inclusionPromise: { signedEntryTimestamp: toBase64(key.sign(canonicalJson(promised))) },
    inclusionProof: {
      logIndex: '1',
      rootHash: toBase64(root),
      treeSize: '3',
      hashes: [before, after].map(toBase64),
      checkpoint: { envelope: checkpoint(3, root, key) },
    },
    canonicalizedBody: toBase64(body),
  }
}

/** A checkpoint as Rekor signs it: ECDSA, with the first bytes of the log identifier. `more`: further lines. */
export function checkpoint(size: number, root: Uint8Array, key: FakeKey = rekor, more = ''): string {
  const text = `rekor.example - 1\n${size}\n${toBase64(root)}\n${more}`
  const line = toBase64(concat(logIdOf(key).subarray(0, 4), key.sign(utf8(text))))
  return `${text}\n\u2014 rekor.example ${line}\n`
}

/** Entry of a signature, before it is written. */
export interface Body {
  apiVersion: string
  kind: string
  spec: {
    envelopeHash: { algorithm: string; value: string }
    payloadHash: { algorithm: string; value: string }
    signatures: { signature: string; verifier: string }[]
  }
}

/** A keyless bundle. */
export interface Keyless {
  mediaType: string
  verificationMaterial: {
    certificate: { rawBytes: string }
    tlogEntries: Entry[]
    timestampVerificationData?: unknown
  }
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] }
}

/** What differs from a good signature. */
export interface Change {
  /** Of the model's one file, `weights`. */
  content?: string
  signer?: FakeIdentity
  /** Signs the envelope instead of the signer. */
  key?: FakeKey
  time?: number
  log?: FakeKey
  body?: (body: Body) => void
  bundle?: (bundle: Keyless) => void
}

const usual = certify()

/** A model signed by {@link IDENTITY}, changed. */
export function signKeyless(change: Change = {}): Uint8Array {
  const { content = '', signer = usual, key = signer.key, time, log } = change
  const model = {
    name: 'model',
    files: [{ path: 'weights', digest: toHex(publicCrypto.sha256(utf8(content))) }],
    ignorePaths: [],
  }
  const signed = signOms(model, { identity: { chain: [signer.der] }, sign: (message) => key.sign(message) })
  const { mediaType, dsseEnvelope } = JSON.parse(fromUtf8(signed)) as Keyless
  const body = bodyOf(dsseEnvelope, signer)
  change.body?.(body)
  const bundle: Keyless = {
    mediaType,
    verificationMaterial: {
      certificate: { rawBytes: toBase64(signer.der) },
      tlogEntries: [logged(canonicalJson(body), time, log)],
      timestampVerificationData: {},
    },
    dsseEnvelope,
  }
  change.bundle?.(bundle)
  return utf8(JSON.stringify(bundle))
}

function bodyOf(envelope: Keyless['dsseEnvelope'], signer: FakeIdentity): Body {
  const sha256 = (bytes: Uint8Array): { algorithm: string; value: string } => ({
    algorithm: 'sha256',
    value: toHex(publicCrypto.sha256(bytes)),
  })
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: sha256(utf8(JSON.stringify(envelope))),
      payloadHash: sha256(fromBase64(envelope.payload)),
      signatures: [
        {
          signature: envelope.signatures[0]!.sig,
          verifier: toBase64(utf8(fakePem('CERTIFICATE', signer.der))),
        },
      ],
    },
  }
}

/** `trusted_root.json` of the deployment. */
export interface RootFile {
  mediaType: string
  tlogs: LogFile[]
  certificateAuthorities: {
    subject?: unknown
    certChain: { certificates: { rawBytes: string }[] }
    validFor?: { start?: unknown; end?: unknown }
  }[]
  ctlogs?: LogFile[]
  timestampAuthorities?: unknown[]
}

interface LogFile {
  baseUrl?: unknown
  hashAlgorithm: string
  publicKey: { rawBytes: string; keyDetails: string; validFor?: { start?: unknown; end?: unknown } }
  logId: { keyId: string }
  checkpointKeyId?: { keyId: string }
}

export const logFile = (key: FakeKey): LogFile => ({
  baseUrl: 'https://log.example',
  hashAlgorithm: 'SHA2_256',
  publicKey: {
    rawBytes: toBase64(spkiOf(key)),
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: { start: '2025-01-01T00:00:00Z' },
  },
  logId: { keyId: toBase64(logIdOf(key)) },
})

/** The trusted root of the deployment, changed. */
export function rootFile(change: (root: RootFile) => void = () => undefined): Uint8Array {
  const root: RootFile = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logFile(rekor)],
    certificateAuthorities: [
      {
        subject: { organization: 'example', commonName: 'Fulcio root' },
        certChain: {
          certificates: [fulcio, fulcioRoot].map((one) => ({ rawBytes: toBase64(one.der) })),
        },
        validFor: { start: '2025-01-01T00:00:00.000Z', end: '2026-12-31T23:59:59.999Z' },
      },
    ],
    ctlogs: [logFile(certificateLog)],
    timestampAuthorities: [],
  }
  change(root)
  return utf8(JSON.stringify(root))
}
