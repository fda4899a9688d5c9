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
 * Certificates of verified paths below a pinned root, most recent first: they come with every quote, and parsing
 * them again would import their keys again. Only that is saved here. Nobody but Intel can add to it.
 */
export const familiarCertificates: Certificate[] = []
const MAX_FAMILIAR = 32

/**
 * Certificates of one verification: each is parsed once, however often it came. Chains of a bundle repeat
 * each other and the chain of the quote.
 */
export class CertificateReader {
  private readonly known: Certificate[]
  private readonly chains = new Map<string, Certificate[]>()

  constructor(roots: readonly Certificate[]) {
    this.known = [...roots, ...familiarCertificates]
  }

  /** Certificates of PEM text, as they stand there. @throws `X509_MALFORMED`, `X509_UNSUPPORTED` */
  pem(text: string): Certificate[] {
    const before = this.chains.get(text)
    if (before) return before
    const chain = certificatesOfPem(text).map((der) => {
      const known = this.known.find((certificate) => equalBytes(certificate.der, der))
      if (known) return known
      const certificate = parseCertificate(der)
      this.known.push(certificate)
      return certificate
    })
    this.chains.set(text, chain)
    return chain
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
  // Their profile has no such extension: whatever one says, it is no leave for what is verified here.
  const limited = path.chain.find(({ extendedKeyUsage }) => extendedKeyUsage !== undefined)
  if (limited)
    throw new Refusal(`${what} is for other purposes`, 'no extended key usage', limited.subjectText, of)
  remember(path.chain.slice(0, -1))
  return path
}

function remember(certificates: readonly Certificate[]): void {
  const others = familiarCertificates.filter((certificate) => !certificates.includes(certificate))
  familiarCertificates.splice(0, MAX_FAMILIAR, ...[...certificates, ...others].slice(0, MAX_FAMILIAR))
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
