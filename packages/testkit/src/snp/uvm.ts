import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { CborTag, type CborValue, encodeCbor } from '@sotto/protocol/cbor'
import { crypto } from '@sotto/protocol/crypto-backend'
import { derWriter, type FakeIdentity, FAKE_NOW, fakeRoot } from '../x509/index.ts'

const { bits, boolean, der, explicit, integer, name, namedBits, octets, oid, sequence, time } = derWriter

/** What an endorsement says; the defaults are those of a genuine one. */
export interface UvmOptions {
  measurement?: Uint8Array
  svn?: string
  feed?: string
  /** Instead of the did:x509 of this root. */
  issuer?: string
  /** Changes the protected header before it is signed. */
  header?: (header: Map<number | string, CborValue>) => void
  /** Instead of the JSON with measurement and svn. */
  payload?: Uint8Array
  /** Chain to name, leaf first. */
  chain?: readonly Uint8Array[]
}

/** A Microsoft of one's own, which endorses utility VMs. */
export interface FakeUvmSigner {
  /** SHA-256 of its root, hexadecimal: `uvmRoot` of the verifier. */
  root: string
  chain: readonly Uint8Array[]
  eku: string
  endorse(options?: UvmOptions): Uint8Array
}

/** Makes a signer with an RSA key, PS384, and a chain of three, or with more authorities in between. */
export function fakeUvmSigner(eku = '1.3.6.1.4.1.311.76.59.1.2', authorities = 1): FakeUvmSigner {
  const root = fakeRoot({ commonName: 'Fake Supply Chain Root', curve: 'P-384' })
  let intermediate = root
  const above = [root.der]
  for (let i = 0; i < authorities; i++) {
    intermediate = intermediate.issue({ commonName: `Fake Products CA ${i}`, ca: true })
    above.unshift(intermediate.der)
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const chain = [rsaLeaf(publicKey, intermediate, eku), ...above]
  const digest = crypto.sha256(root.der)
  return {
    root: toHex(digest),
    chain,
    eku,
    endorse(options = {}) {
      const payload = options.payload ?? utf8(JSON.stringify(claimsOf(options), undefined, 2))
      const header = new Map<number | string, CborValue>([
        [1, -38],
        [3, 'application/json'],
        [33, options.chain ?? chain],
        [34, [-16, crypto.sha256((options.chain ?? chain)[0]!)]],
        ['iss', options.issuer ?? `did:x509:0:sha256:${toBase64Url(digest)}::eku:${eku}`],
        ['feed', options.feed ?? 'ContainerPlat-AMD-UVM'],
        ['signingtime', new CborTag(1, FAKE_NOW - 86_400)],
      ])
      options.header?.(header)
      const protectedBytes = encodeCbor(header)
      const signed = encodeCbor(['Signature1', protectedBytes, new Uint8Array(0), payload])
      const signature = sign('sha384', signed, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 48,
      })
      return encodeCbor(new CborTag(18, [protectedBytes, new Map(), payload, new Uint8Array(signature)]))
    },
  }
}

function claimsOf({
  measurement = new Uint8Array(48).fill(1),
  svn = '101',
}: UvmOptions): Record<string, string> {
  return { 'x-ms-sevsnpvm-guestsvn': svn, 'x-ms-sevsnpvm-launchmeasurement': toHex(measurement) }
}

/** Fake certificates have EC keys, and PS384 needs an RSA one: written here by hand. */
function rsaLeaf(publicKey: KeyObject, issuer: FakeIdentity, eku: string): Uint8Array {
  const algorithm = sequence(oid('1.2.840.10045.4.3.3'))
  const extension = (id: string, value: Uint8Array, critical: boolean): Uint8Array =>
    sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(7)),
    algorithm,
    name(issuer.commonName),
    // Expired by now: the statement outlives the certificate of its signer.
    sequence(time(FAKE_NOW - 172_800), time(FAKE_NOW - 3600)),
    name('Fake ContainerPlat'),
    new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    explicit(
      3,
      sequence(
        extension('2.5.29.15', namedBits(1), true),
        extension('2.5.29.37', sequence(oid(eku)), false),
        extension('2.5.29.19', der(0x30), true),
      ),
    ),
  )
  return sequence(tbs, algorithm, bits(issuer.key.sign(tbs)))
}
