import { equalBytes, toHex } from '@sotto/protocol/bytes'
import {
  type Certificate,
  type OcspResponse,
  type OcspStatus,
  verifyOcspResponse,
} from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { earlier, withX509 } from '../family/index.ts'
import { forEach } from './facts.ts'

/** CRLReason certificateHold (RFC 5280 Section 5.3.1): revoked until it is taken back. */
const CERTIFICATE_HOLD = 6

/** A proven path, of which certificates from an index on have a status. */
export interface CheckedPath {
  /** Whose it is, for messages. */
  what: string
  /** Leaf first, root last. */
  chain: readonly Certificate[]
  /** 1 for devices: their leaf is made anew by the device itself, and no responder knows it. */
  from: number
}

/** What responses say about paths. */
export interface RevocationStatus {
  paths: readonly CheckedPath[]
  /** Certificates that a current response calls good. */
  current: ReadonlySet<Certificate>
  /** Genuine responses of another time: they prove nothing now. */
  stale: number
  /** Responses about certificates that were not given. */
  unrelated: number
  /** Of the current responses, Unix seconds, each once and ascending: the order of what was given says nothing. */
  issuedAt: number[]
  /** Unix seconds. */
  validUntil: number | undefined
}

interface Link {
  certificate: Certificate
  issuer: Certificate
}

/**
 * Verifies every response by the issuer of the certificate that it is about. One that is genuine and of
 * another time counts as not given, unless it revokes: that is not taken back by time.
 *
 * @param isComplete whether all certificates are there that a response could be about
 * @throws Refusal of class `revoked`, or `collateral-invalid` for a response that is not genuine or about something else
 */
export function verifyRevocation(
  paths: readonly CheckedPath[],
  responses: readonly OcspResponse[],
  at: number,
  isComplete: boolean,
): RevocationStatus {
  const links = paths.flatMap(({ chain }) =>
    chain.slice(0, -1).map((certificate, i) => ({ certificate, issuer: chain[i + 1]! })),
  )
  const current = new Set<Certificate>()
  let stale = 0
  let unrelated = 0
  const issuedAt = new Set<number>()
  let validUntil: number | undefined
  forEach(responses, (response) => {
    const about = links.filter(({ certificate }) =>
      response.responses.some(({ serialNumber }) => equalBytes(serialNumber, certificate.serialNumber)),
    )
    if (about.length === 0) {
      unrelated++
      if (isComplete) throw invalid('is about a certificate that nothing here was signed with', response)
    }
    const seen = new Map<string, OcspStatus | undefined>()
    for (const link of about) {
      // The same certificate may stand in the paths of several manifests.
      const key = toHex(link.certificate.signature)
      if (!seen.has(key)) seen.set(key, verifyOne(response, link, at))
      const status = seen.get(key)
      if (status === undefined) continue
      current.add(link.certificate)
      issuedAt.add(status.thisUpdate)
      validUntil = earlier(validUntil, status.nextUpdate)
    }
    if (about.length > 0 && [...seen.values()].includes(undefined)) stale++
  })
  return { paths, current, stale, unrelated, issuedAt: [...issuedAt].sort((a, b) => a - b), validUntil }
}

/** Status by a response that is current; undefined for a genuine one of another time. */
function verifyOne(response: OcspResponse, link: Link, at: number): OcspStatus | undefined {
  const what = `the OCSP response about ${link.certificate.subjectText}`
  const verify = (time: number): OcspStatus =>
    withX509(what, () => verifyOcspResponse(response, { ...link, at: time }), 'collateral-invalid')
  let isCurrent = isInDate(response, at)
  let status: OcspStatus
  try {
    status = verify(isCurrent ? at : beginOf(response))
  } catch (error) {
    // In date itself, under a responder that is not.
    if (!isCurrent || !(error instanceof Refusal) || error.class !== 'expired') throw error
    isCurrent = false
    status = verify(beginOf(response))
  }
  if (status.status === 'revoked') {
    const reason = status.reason === CERTIFICATE_HOLD ? 'on hold' : 'revoked'
    throw new Refusal(`${link.certificate.subjectText} is ${reason}`, 'good', reason, 'revoked')
  }
  if (status.status === 'unknown')
    throw new Refusal(`${what} does not know it`, 'good', 'unknown', 'collateral-invalid')
  return isCurrent ? status : undefined
}

/** Whether all that a response says is of this time: then it is verified at this time, and else at its own. */
function isInDate(response: OcspResponse, at: number): boolean {
  const ends = response.responses.map(({ nextUpdate }) => nextUpdate ?? Number.POSITIVE_INFINITY)
  return at >= beginOf(response) && ends.every((end) => at <= end)
}

/** When a response became current. */
function beginOf({ producedAt, responses }: OcspResponse): number {
  return Math.max(producedAt, ...responses.map(({ thisUpdate }) => thisUpdate))
}

function invalid(problem: string, { responses }: OcspResponse): Refusal {
  const serials = responses.map(({ serialNumber }) => toHex(serialNumber)).join(', ')
  return new Refusal(`an OCSP response ${problem}`, undefined, serials || 'none', 'collateral-invalid')
}

/** Certificates of a path that no current response calls good. */
export function withoutStatus(
  { chain, from }: CheckedPath,
  current: ReadonlySet<Certificate>,
): Certificate[] {
  return chain.slice(from, -1).filter((certificate) => !current.has(certificate))
}
