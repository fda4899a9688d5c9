import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  constitutionDecoder,
  type Decision,
  followConstitutions,
  genesisInForce,
  governanceRecordDecoder,
  holdDecoder,
  memberSigner,
  parseDecision,
  parseMemberJws,
  proposalDecoder,
  signMemberJws,
  verifyDecision,
} from '@sotto/protocol/governance'
import { decodeDocument, encodeDocument, type Genesis } from '@sotto/protocol/keyrelease'
import { decide, succeed } from '@sotto/testkit'
import { ownWorld, payloadOf } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const NOW = 1_790_000_000

/** What members sign, and what a KMS puts together from it: whoever sends it may have written it. */
export const governanceTargets: readonly Target[] = [
  parser('member statement', statements, readStatement),
  parser('member statement inside', insides, (bytes) => readStatement(utf8(withPayload(bytes)))),
  parser('decision', decisions, parseDecision),
  { name: 'decision, verified', isVerifier: true, seeds: decisions, run: verify },
  parser('constitution', constitutions, (bytes) => decodeDocument(bytes, constitutionDecoder)),
  parser('proposal', insides, (bytes) => decodeDocument(bytes, proposalDecoder)),
  parser(
    'hold',
    () => [encodeDocument(HOLD)],
    (bytes) => decodeDocument(bytes, holdDecoder),
  ),
  parser('governance record', records, (bytes) => decodeDocument(bytes, governanceRecordDecoder)),
]

const HOLD = { version: 1, genesis: DIGEST, reason: 'image 1.4 leaks', createdAt: NOW } as const

function readStatement(bytes: Uint8Array): void {
  const token = fromUtf8(bytes)
  // A statement is of one type; the others must refuse it as cleanly.
  for (const type of ['proposal', 'ballot'] as const) {
    try {
      parseMemberJws(token, type)
    } catch (error) {
      if ((error as { code?: string }).code !== 'GOVERNANCE_MALFORMED') throw error
    }
  }
  parseMemberJws(token, 'hold')
}

async function decision(): Promise<Decision> {
  const { world } = await ownWorld()
  return JSON.parse(fromUtf8(payloadOf(world.bundle.policy.envelope))) as Decision
}

async function statements(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const { proposal, ballots } = await decision()
  const member = memberSigner('EdDSA', world.signers.member.secretSeed)
  return [proposal, ...ballots, signMemberJws('hold', HOLD, member)].map(utf8)
}

/** Payloads of proposals: of a policy and of a constitution. */
async function insides(): Promise<Uint8Array[]> {
  const [constitution] = await succession()
  const tokens = [(await decision()).proposal, parseDecision(constitution!).decision.proposal]
  return tokens.map((token) => new Uint8Array(Buffer.from(token.split('.')[1]!, 'base64url')))
}

/** A token around any payload; its signature fits nothing. */
function withPayload(payload: Uint8Array): string {
  const kid = toBase64Url(new Uint8Array(32).fill(7))
  const header = { alg: 'EdDSA', kid, typ: 'application/vnd.sotto.proposal+json' }
  return `${toBase64Url(encodeDocument(header))}.${toBase64Url(payload)}.${toBase64Url(new Uint8Array(64))}`
}

async function genesis(): Promise<ReturnType<typeof genesisInForce>> {
  const { world } = await ownWorld()
  const document = JSON.parse(fromUtf8(payloadOf(world.bundle.genesis.envelope))) as Genesis
  return genesisInForce(document, world.genesisDigest)
}

async function succession(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const { member, kms } = world.signers
  const { decisions: made } = succeed(await genesis(), [{ change: (constitution) => constitution }], {
    voters: [member],
    kms,
    now: world.now,
  })
  return made
}

/** Its first genesis: known once the seeds are. */
let inForce: ReturnType<typeof genesisInForce> | undefined

async function decisions(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  inForce = await genesis()
  const { member, kms } = world.signers
  const rotate = decide({
    inForce,
    kind: 'rotate',
    body: { epoch: 1 },
    voters: [member],
    kms,
    now: world.now,
  })
  return [utf8(world.bundle.policy.envelope), ...(await succession()), rotate]
}

function verify(bytes: Uint8Array): void {
  verifyDecision(bytes, followConstitutions(inForce!, []))
}

async function constitutions(): Promise<Uint8Array[]> {
  const [, inside] = await insides()
  return [encodeDocument((JSON.parse(fromUtf8(inside!)) as { body: object }).body)]
}

async function records(): Promise<Uint8Array[]> {
  const { proposal } = await decision()
  const record = {
    version: 1,
    genesis: DIGEST,
    sequence: 2,
    previous: DIGEST,
    entry: { type: 'proposal', jws: proposal },
  }
  return [encodeDocument(record)]
}

/** The key-release policy of the world, as its proposal has it. */
export async function keyPolicies(): Promise<Uint8Array[]> {
  const { document } = parseMemberJws((await decision()).proposal, 'proposal')
  return [encodeDocument(document.body)]
}
