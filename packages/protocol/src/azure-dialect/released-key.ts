import { type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts'
import { azureError } from './errors.ts'

/** A private P-384 key on its way to a workload. */
export interface AzureReleasedKey {
  /** 0 to 255. */
  keyId: number
  /** Uncompressed point, 97 bytes. */
  publicKey: Uint8Array
  /** Big-endian scalar, 48 bytes. */
  privateKey: Uint8Array
}

/** Labels of a COSE_Key (RFC 9052 Section 7, RFC 9053 Section 7.1). Their server refuses `kty`, so there is none. */
const KID = 4
const CURVE = -1
const X = -2
const Y = -3
const D = -4
const P384 = 2
const SCALAR_BYTES = 48

/** CBOR of a key: 158 or 159 bytes, which RSA-OAEP with SHA-256 on 2048 bits can wrap. The result is a secret. */
export function encodeReleasedKey({ keyId, publicKey, privateKey }: AzureReleasedKey): Uint8Array {
  const entries: [number, CborValue][] = [
    [KID, keyId],
    [CURVE, P384],
    [X, publicKey.slice(1, 1 + SCALAR_BYTES)],
    [Y, publicKey.slice(1 + SCALAR_BYTES)],
    [D, privateKey],
  ]
  return encodeCbor(new Map(entries))
}

/** Reads what {@link encodeReleasedKey} writes, and nothing else. @throws `AZURE_MALFORMED` */
export function parseReleasedKey(bytes: Uint8Array): AzureReleasedKey {
  let value: CborValue
  try {
    value = decodeCbor(bytes)
  } catch (cause) {
    throw azureError('AZURE_MALFORMED', 'released key: no CBOR', { cause })
  }
  const map =
    value instanceof Map ? (value as ReadonlyMap<unknown, CborValue>) : new Map<unknown, CborValue>()
  const [keyId, x, y, d] = [KID, X, Y, D].map((label) => map.get(label))
  const isKeyId = typeof keyId === 'number' && Number.isInteger(keyId) && keyId >= 0 && keyId < 256
  if (map.size !== 5 || map.get(CURVE) !== P384 || !isKeyId || !isScalar(x) || !isScalar(y) || !isScalar(d))
    throw azureError('AZURE_MALFORMED', 'released key: not a P-384 key with an identifier')
  return { keyId, publicKey: Uint8Array.of(4, ...x, ...y), privateKey: d }
}

function isScalar(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === SCALAR_BYTES
}
