import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { utf8 } from '@sotto/protocol/bytes'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import {
  type SavedUsage,
  USAGE_PAYLOAD_TYPE,
  type UsageStatement,
  usageStatementDecoder,
} from '@sotto/protocol/usage'
import { Refusal, runChecks, type Check } from '../checks/index.ts'
import { type ChainFacts, type ReceiptPolicy, verifyChain } from '../receipt/chain.ts'
import type { Step } from '../result.ts'

/** Outcome: every step, and what was counted when the signature holds. */
export interface UsageResult {
  ok: boolean
  steps: Step[]
  statement?: UsageStatement
}

interface Facts extends ChainFacts {
  saved: SavedUsage
  statement?: UsageStatement
}

const USAGE_CHECKS: readonly Check<Facts>[] = [
  {
    name: 'usage.signature',
    title: 'The enclave signed these counts',
    needs: ['release', 'receiptKey'],
    run({ saved, policy, release, receiptKey }) {
      const { payload } = verifyDsse(parseDsse(utf8(saved.envelope)), USAGE_PAYLOAD_TYPE, [receiptKey])
      const statement = decodeDocument(payload, usageStatementDecoder, 'usage')
      if (statement.genesis !== policy.genesis)
        throw new Refusal('counts of another genesis', policy.genesis, statement.genesis)
      if (statement.evidence !== release.evidence)
        throw new Refusal('counts of another release', release.evidence, statement.evidence)
      return { adds: { statement }, found: `statement ${statement.sequence} of this boot` }
    },
  },
]

/**
 * Verifies a saved usage statement offline: the chain from the pinned genesis to the enclave's receipt key, then
 * its signature. What is proven: measured code of an admitted enclave counted this. Not proven: that it is
 * everything, for whoever holds back a later statement shows fewer; and its times.
 */
export function verifyUsage(saved: SavedUsage, policy: ReceiptPolicy): UsageResult {
  const chain = verifyChain(saved.certificate, policy)
  const facts: Facts = { ...chain.facts, saved }
  const { ok, steps } = runChecks(USAGE_CHECKS, facts)
  return {
    ok: chain.ok && ok,
    steps: [...chain.steps, ...steps],
    ...(facts.statement && { statement: facts.statement }),
  }
}
