import { equalBytes } from '@sotto/protocol/bytes'
import {
  certificatesOfPem,
  parseCertificate,
  verifyPath,
  type Certificate,
  type VerifiedPath,
} from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { withX509, type Reason } from '../family/index.ts'

/** Common names of "Intel SGX PCK Certificate and Certificate Revocation List Profile Specification", section 1.3. */
export const NAMES = {
  root: 'Intel SGX Root CA',
  pckCas: ['Intel SGX PCK Platform CA', 'Intel SGX PCK Processor CA'],
  pck: 'Intel SGX PCK Certificate',
  tcbSigning: 'Intel SGX TCB Signing',
} as const

/** Leaf, one certification authority, root. */
const MAX_PATH = 3

/**
 * Certificates that a pinned root was seen to have signed, most recent first: they come with every quote, and
 * parsing them again would import their keys again. Only that is saved; every signature is verified each time.
 * Nobody but Intel can add to it.
 */
const familiar: Certificate[] = []
const MAX_FAMILIAR = 8

/**
 * Certificates of one verification: each is parsed once, however often it came. Chains of a bundle repeat
 * each other and the chain of the quote.
 */
export class CertificateReader {
  private readonly known: Certificate[]

  constructor(roots: readonly Certificate[]) {
    this.known = [...roots, ...familiar]
  }

  /** Certificates of PEM text, as they stand there. @throws `X509_MALFORMED`, `X509_UNSUPPORTED` */
  pem(text: string): Certificate[] {
    return certificatesOfPem(text).map((der) => {
      const known = this.known.find((certificate) => equalBytes(certificate.der, der))
      if (known) return known
      const certificate = parseCertificate(der)
      this.known.push(certificate)
      return certificate
    })
  }
}

/** What a chain of Intel is for, in words, and what it must be. */
interface ChainRules {
  what: string
  roots: readonly Certificate[]
  at: number
  /** Common name of the leaf. */
  leaf: string
  /** Common names of the authority between leaf and root; none stands there when the root signed the leaf. */
  authorities: readonly string[]
  /** Class where the chain is not genuine; dates are `expired` all the same. */
  class: Reason
}

/**
 * Verifies a chain of Intel's PKI: names as the profile has them, a pinned root, dates, and a leaf that is
 * no authority.
 */
export function verifyIntelChain(chain: readonly Certificate[], rules: ChainRules): VerifiedPath {
  const { what, roots, at, leaf, authorities, class: of } = rules
  const names = [leaf, ...(authorities.length > 0 ? [authorities.join(' or ')] : [])]
  const pinned = withPinnedRoot(chain, roots)
  const path = withClass(of, () =>
    withX509(what, () => verifyPath(pinned, { roots, at, maxLength: MAX_PATH }), of),
  )
  const found = path.chain.map(({ commonName }) => commonName ?? '')
  const isNamed =
    found.length === names.length + 1 &&
    found[0] === leaf &&
    (authorities.length === 0 || authorities.includes(found[1]!)) &&
    found.at(-1) === NAMES.root
  if (!isNamed)
    throw new Refusal(`${what} has other names`, [...names, NAMES.root].join(', '), found.join(', '), of)
  if (path.chain[0]!.basicConstraints?.ca === true)
    throw new Refusal(`${what} ends in a certification authority`, 'CA:FALSE', 'CA:TRUE', of)
  remember(path.chain.at(-2)!)
  return path
}

function remember(certificate: Certificate): void {
  if (familiar.includes(certificate)) return
  familiar.unshift(certificate)
  familiar.length = Math.min(familiar.length, MAX_FAMILIAR)
}

/**
 * The chain with our own copy of the root: Intel issued its root twice, with one key, and old chains end in
 * the other certificate. A root of anybody else stays and is refused.
 */
function withPinnedRoot(chain: readonly Certificate[], roots: readonly Certificate[]): Certificate[] {
  const last = chain.at(-1)
  const pinned =
    last && roots.find((root) => equalBytes(root.spki, last.spki) && equalBytes(root.subject, last.subject))
  return pinned ? [...chain.slice(0, -1), pinned] : [...chain]
}

/** Gives refusals of a chain the class of what it is for; `expired` stays. */
function withClass<Result>(of: Reason, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    if (error instanceof Refusal && error.class !== 'expired')
      throw new Refusal(error.message, error.expected, error.found, of)
    throw error
  }
}
