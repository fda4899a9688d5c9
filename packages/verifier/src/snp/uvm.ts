import { equalBytes, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { CborTag } from '@sotto/protocol/cbor'
import { COSE_HEADER, type CoseSign1, verifyCoseSign1 } from '@sotto/protocol/cose'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { KEY_USAGE, parseCertificate, type VerifiedPath, verifyPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { withX509 } from '../family/index.ts'
import { parseDidX509 } from './did-x509.ts'

/**
 * Microsoft's statement which launch measurement a version of the utility VM has that starts the
 * containers of Azure Container Instances (microsoft/hcsshim `internal/uvm/security_policy.go`,
 * microsoft/CCF `uvm_endorsements`). COSE_Sign1 with the payload in JSON.
 */
export interface UvmEndorsement {
  /** `did:x509` of the signer, proven by its chain. */
  issuer: string
  eku: string
  /** What kind of utility VM. */
  feed: string
  /** Security version, higher is newer. */
  svn: number
  /** 48 bytes, hexadecimal. */
  launchMeasurement: string
  /** Unix seconds, said by the signer. */
  signedAt: number
  chain: VerifiedPath
  /** SHA-256 of the root, hexadecimal. */
  root: string
}

/** Header of a certificate digest (RFC 9360), and SHA-256 in COSE (RFC 9054). */
const X5T = 34
const COSE_SHA256 = -16
/** CBOR tag of seconds since the epoch (RFC 8949 Section 3.4.2). */
const EPOCH_TAG = 1
const MAX_CHAIN = 6
const MAX_PAYLOAD_BYTES = 4096
const MEASUREMENT = /^[0-9a-f]{96}$/
const SVN = /^(?:0|[1-9][0-9]{0,8})$/

/**
 * Verifies an endorsement: signature, chain to the pinned root, and that the chain is the one its
 * issuer names. The certificates live for a year and the statement for as long as the VM is in use:
 * they must have been valid when it was signed.
 *
 * @param root SHA-256 of the pinned root, hexadecimal
 * @throws Refusal of class `collateral-invalid`, or `expired` for a statement from the future
 */
export function verifyUvmEndorsement(message: CoseSign1, root: string, at: number): UvmEndorsement {
  const signedAt = readSigningTime(message)
  // Its certificates expire soon after; without the time nothing says when they have to have been valid.
  if (signedAt === undefined) throw invalid('the endorsement does not say when it was signed', 'signingtime')
  const chain = verifyChain(message, root, signedAt)
  const leaf = chain.chain[0]!
  const issuer = readText(message, 'iss')
  const did = parseDidX509(issuer)
  if (did === undefined) throw invalid('the issuer is no did:x509 of a root and a purpose', undefined, issuer)
  // Of the certificates above the leaf the root is the one that is pinned.
  if (did.fingerprint !== root) throw invalid('the issuer names another root', root, did.fingerprint)
  if (leaf.extendedKeyUsage?.includes(did.eku) !== true)
    throw invalid('the signer is certified for something else', did.eku)
  try {
    verifyCoseSign1(message, leaf.publicKey, { algorithms: ['PS384'] })
  } catch (error) {
    throw invalid((error as Error).message)
  }
  if (!(signedAt <= at))
    throw new Refusal('the endorsement is signed in the future', `${at}`, `${signedAt}`, 'expired')
  return {
    issuer,
    eku: did.eku,
    feed: readText(message, 'feed'),
    ...readPayload(message),
    signedAt,
    chain,
    root,
  }
}

function verifyChain(message: CoseSign1, root: string, signedAt: number): VerifiedPath {
  const ders = message.protectedChain ?? []
  const last = ders.at(-1)
  if (last === undefined || toHex(publicCrypto.sha256(last)) !== root)
    throw invalid('the chain does not end in the pinned root', root)
  // Cut, a longer chain would end in a certificate of its sender's choice instead of the pinned one.
  if (ders.length > MAX_CHAIN) throw invalid('the chain is too long', `at most ${MAX_CHAIN}`)
  requireThumbprint(message, ders[0]!)
  const chain = asInvalid(() => {
    const certificates = ders.map((der) => parseCertificate(der))
    return verifyPath(certificates, {
      roots: [certificates.at(-1)!],
      at: signedAt,
      maxLength: MAX_CHAIN,
    })
  })
  const { keyUsage } = chain.chain[0]!
  if (keyUsage === undefined || (keyUsage & KEY_USAGE.digitalSignature) === 0)
    throw invalid('the signing certificate may not sign')
  return chain
}

/** Everything that is wrong with these certificates makes the statement invalid, nothing else. */
function asInvalid<Result>(run: () => Result): Result {
  try {
    return withX509('the chain of the endorsement', run)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw invalid(error.message, error.expected, error.found)
  }
}

/** x5t names the leaf once more (RFC 9360 Section 2). */
function requireThumbprint({ protectedHeader }: CoseSign1, leaf: Uint8Array): void {
  const value = protectedHeader.get(X5T)
  if (value === undefined) return
  const [hash, digest] = (Array.isArray(value) ? value : []) as unknown[]
  if (
    hash !== COSE_SHA256 ||
    !(digest instanceof Uint8Array) ||
    !equalBytes(digest, publicCrypto.sha256(leaf))
  )
    throw invalid('x5t is of another certificate')
}

function readSigningTime({ protectedHeader }: CoseSign1): number | undefined {
  const value = protectedHeader.get('signingtime')
  if (value === undefined) return undefined
  if (value instanceof CborTag && value.tag === EPOCH_TAG && typeof value.value === 'number')
    return value.value
  throw invalid('the time of signing is malformed', 'seconds since 1970')
}

function readText({ protectedHeader }: CoseSign1, label: string): string {
  const value = protectedHeader.get(label)
  if (typeof value === 'string' && value.length > 0 && value.length <= 256) return value
  throw invalid(`header parameter ${label} is missing or malformed`)
}

function readPayload({ protectedHeader, payload }: CoseSign1): { svn: number; launchMeasurement: string } {
  if (protectedHeader.get(COSE_HEADER.contentType) !== 'application/json')
    throw invalid('the payload is of another kind', 'application/json')
  let value: unknown
  try {
    value = parseStrictJson(fromUtf8(payload), { maxBytes: MAX_PAYLOAD_BYTES, maxDepth: 2 })
  } catch (error) {
    throw invalid(`the payload is malformed: ${(error as Error).message}`)
  }
  const claims = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const svn = claims['x-ms-sevsnpvm-guestsvn']
  const measurement = claims['x-ms-sevsnpvm-launchmeasurement']
  if (typeof svn !== 'string' || !SVN.test(svn)) throw invalid('the security version is malformed')
  if (typeof measurement !== 'string' || !MEASUREMENT.test(measurement))
    throw invalid('the launch measurement is malformed')
  return { svn: Number(svn), launchMeasurement: measurement }
}

function invalid(reason: string, expected?: string, found?: string): Refusal {
  return new Refusal(`endorsement of the utility VM: ${reason}`, expected, found, 'collateral-invalid')
}
