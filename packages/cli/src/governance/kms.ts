import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { SottoError } from '@sotto/protocol/errors'
import {
  type AdmittedOwner,
  followConstitutions,
  genesisInForce,
  type InForce,
  type MemberStatement,
  ownersDecoder,
  parseMemberJws,
  type VerifiedDecision,
  verifyDecision,
  verifyMemberJws,
} from '@sotto/protocol/governance'
import { decodeDocument, documentDigest, genesisDecoder, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import type { Decoder } from '@sotto/protocol/jcs'
import { cliError } from '../errors.ts'
import {
  type Closed,
  type GovernanceAnswer,
  governanceAnswerDecoder,
  type Listed,
  type OpenAnswer,
  proposalAnswerDecoder,
} from './answers.ts'

/** What a KMS says about its members' business, with that part of it proven that anything is signed by. */
export interface Governance extends Pick<GovernanceAnswer, 'epoch' | 'holds' | 'open' | 'closed'> {
  /** Follows from the pinned genesis. */
  inForce: InForce
  /** Who may keep content keys there, as the KMS says. */
  owners: AdmittedOwner[]
  /** By which the policy in force was accepted, if there is one. */
  decision?: VerifiedDecision
}

/**
 * Asks a KMS, and follows from the genesis that is pinned to the constitution in force by what members signed.
 * A KMS of another genesis is refused before anything is signed for it.
 * @throws `CLI_REFUSED`, `CLI_NOT_AUTHENTIC`, `CLI_SERVICE` and the KMS's own codes
 */
export async function readGovernance(kmsUrl: string, genesis: string, ask: Ask): Promise<Governance> {
  const answer = readAnswer(await ask(`${kmsUrl}/v1/proposals`), governanceAnswerDecoder)
  try {
    const envelope = parseDsse(utf8(answer.genesis.envelope))
    const digest = documentDigest(envelope.payload)
    if (digest !== genesis)
      throw cliError('CLI_REFUSED', 'this is another KMS than the one your policy pins', {
        expected: genesis,
        found: digest,
      })
    const document = decodeDocument(envelope.payload, genesisDecoder, 'genesis')
    verifyDsse(envelope, PAYLOAD_TYPES.genesis, [fromBase64Url(document.rootKey)])
    const chain = followConstitutions(
      genesisInForce(document, digest),
      answer.governance.map((statement) => utf8(statement.envelope)),
    )
    const { epoch, holds, open, closed } = answer
    return {
      epoch,
      holds,
      open,
      closed,
      ...ownersDecoder({ owners: answer.owners ?? [] }, 'kms'),
      inForce: chain.at(-1)!,
      ...(answer.decision && { decision: verifyDecision(utf8(answer.decision.envelope), chain) }),
    }
  } catch (cause) {
    if (cause instanceof SottoError && cause.code === 'CLI_REFUSED') throw cause
    throw notAuthentic('what the KMS says about its members does not hold together', cause)
  }
}

/** One open proposal, proven to be what a member signed. */
export interface OpenProposal extends Listed {
  statement: MemberStatement<'proposal'>
  /** Members whose signed ballots the KMS shows. */
  votes: { name: string; choice: 'accept' | 'reject' }[]
}

/**
 * An open proposal with its votes, each proven. What a closed one was about is in the log.
 * @throws `CLI_NOT_AUTHENTIC`, `CLI_SERVICE` and the KMS's own codes
 */
export async function readProposal(
  kmsUrl: string,
  id: string,
  { inForce }: Pick<Governance, 'inForce'>,
  ask: Ask,
): Promise<OpenProposal | Closed> {
  const answer: OpenAnswer | Closed = readAnswer(
    await ask(`${kmsUrl}/v1/proposals/${encodeURIComponent(id)}`),
    proposalAnswerDecoder,
  )
  if (!('proposal' in answer)) return answer
  try {
    const { proposal, ballots, ...listed } = answer
    const statement = verifyMemberJws(parseMemberJws(proposal, 'proposal'), inForce.members)
    if (statement.id !== id || statement.document.genesis !== inForce.genesis)
      throw new Error('the KMS shows another proposal')
    const votes = ballots.map((token) => {
      const { member, document } = verifyMemberJws(parseMemberJws(token, 'ballot'), inForce.members)
      if (document.proposal !== id) throw new Error('a ballot is about another proposal')
      return { name: member.name, choice: document.choice }
    })
    return { ...listed, kind: statement.document.kind, author: statement.member.name, statement, votes }
  } catch (cause) {
    throw notAuthentic('what the KMS shows is not what members signed', cause)
  }
}

/** Asks a service for JSON. */
export type Ask = <T>(url: string, body?: object) => Promise<T>

/** Whoever answers at this address chose every byte. @throws `CLI_SERVICE` */
export function readAnswer<T>(answer: unknown, decoder: Decoder<T>): T {
  try {
    return decoder(answer, 'answer')
  } catch (cause) {
    const { message: found } = cause as Error
    throw cliError('CLI_SERVICE', 'what answers is no KMS of this version', { found, cause })
  }
}

function notAuthentic(message: string, cause: unknown): Error {
  const { message: found } = cause as Error
  return cliError('CLI_NOT_AUTHENTIC', message, { found, cause })
}
