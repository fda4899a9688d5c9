import { concat } from '@sotto/protocol/bytes'
import { type CborKey, CborTag, type CborValue, encodeCbor } from '@sotto/protocol/cbor'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Certificate } from '@sotto/protocol/x509'
import { type FakeCertificateOptions, FAKE_NOW, type FakeIdentity, fakeRoot } from '../x509/index.ts'

/** What is different from a genuine document. */
export interface FakeDocumentOptions {
  /** Fields of the payload by name; `undefined` leaves one out. */
  fields?: Readonly<Record<string, CborValue | undefined>>
  /** Registers by index, besides 0 to 15 with random or zero values. */
  pcrs?: Readonly<Record<number, Uint8Array>>
  protectedHeader?: ReadonlyMap<CborKey, CborValue>
  unprotectedHeader?: ReadonlyMap<CborKey, CborValue>
  /** Writes the payload as a map without a length, as AWS does since 2025. */
  indefinite?: boolean
  /** CBOR tag before the message. */
  tag?: number
  /** Who signs, instead of {@link FakeNitro.signer}; its certificate goes into the document. */
  signer?: FakeIdentity
  /** Certificates above the signer, nearest first, root last. */
  issuers?: readonly FakeIdentity[]
}

/** A cloud that signs attestation documents as AWS does, under a root of its own. */
export interface FakeNitro {
  readonly root: FakeIdentity
  /** What to pin instead of the root of AWS. */
  readonly roots: readonly Certificate[]
  /** The certificate of one instance, which issues one to each enclave. */
  readonly instance: FakeIdentity
  readonly signer: FakeIdentity
  /** Between the signer and the root, nearest first, with the root. */
  readonly issuers: readonly FakeIdentity[]
  document(options?: FakeDocumentOptions): Uint8Array
}

/** Starts the fake cloud. Documents are of {@link FAKE_NOW}, in a genuine form with values for all optional fields. */
export function fakeNitro(): FakeNitro {
  const authority = (commonName: string, more: FakeCertificateOptions = {}): FakeCertificateOptions => ({
    commonName,
    curve: 'P-384',
    ca: true,
    ...more,
  })
  const root = fakeRoot(authority('fake.nitro-enclaves'))
  const region = root.issue(authority('region.fake.nitro-enclaves', { pathLength: 2 }))
  const zone = region.issue(authority('zone.region.fake.nitro-enclaves', { pathLength: 1 }))
  const instance = zone.issue(authority('i-fake.region.fake.nitro-enclaves', { pathLength: 0 }))
  const signer = instance.issue({
    commonName: 'i-fake-enc0123456789abcdef.region.fake',
    notBefore: FAKE_NOW - 60,
    notAfter: FAKE_NOW + 10_740,
  })
  const issuers = [instance, zone, region, root]
  const self = { root, roots: [root.certificate], instance, signer, issuers }
  return { ...self, document: (options = {}) => documentBytes(self, options) }
}

function documentBytes(cloud: Omit<FakeNitro, 'document'>, options: FakeDocumentOptions): Uint8Array {
  const { signer = cloud.signer, issuers = cloud.issuers, fields = {}, pcrs = {} } = options
  const registers = new Map<CborKey, CborValue>()
  for (let index = 0; index < 16; index++)
    registers.set(index, pcrs[index] ?? (index < 5 ? crypto.randomBytes(48) : new Uint8Array(48)))
  const all: Record<string, CborValue | undefined> = {
    module_id: 'i-fake-enc0123456789abcdef',
    digest: 'SHA384',
    timestamp: FAKE_NOW * 1000 + 250,
    pcrs: registers,
    certificate: signer.der,
    cabundle: issuers.map(({ der }) => der).toReversed(),
    public_key: Uint8Array.of(1, 2, 3),
    user_data: Uint8Array.of(4, 5, 6),
    nonce: Uint8Array.of(7, 8, 9),
    ...fields,
  }
  const given = Object.entries(all).filter((entry): entry is [string, CborValue] => entry[1] !== undefined)
  const header = encodeCbor(options.protectedHeader ?? new Map([[1, -35]]))
  const definite = encodeCbor(new Map<CborKey, CborValue>(given))
  const payload = options.indefinite
    ? concat(Uint8Array.of(0xbf), definite.subarray(1), Uint8Array.of(0xff))
    : definite
  const { curve, privateKey } = signer.key
  const hash = curve === 'P-256' ? 'sha256' : 'sha384'
  const signature = crypto.ecdsa
    .importPrivate(curve, hash, privateKey)
    .sign(encodeCbor(['Signature1', header, new Uint8Array(0), payload]))
  const message: CborValue = [header, options.unprotectedHeader ?? new Map(), payload, signature]
  return encodeCbor(options.tag === undefined ? message : new CborTag(options.tag, message))
}
