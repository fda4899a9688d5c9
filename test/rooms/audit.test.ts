import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseContract, type RunReceipt } from '@sotto/protocol/contract'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import type { RunProof } from '@sotto/client/rooms'
import { type Audit, auditRuns } from '@sotto/client/rooms/audit'
import type { TrustPolicy } from '@sotto/verifier'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bundleOf, trustPolicyOf } from '../../packages/kms/test/client.ts'
import { hasDuckDb, RoomLab } from './support/room-lab.ts'
import { payloadOf, ProofWorld } from './support/run-proofs.ts'
import { sealed } from './support/sealed-data.ts'

let world: ProofWorld
let policy: TrustPolicy
/** Three runs, as many as the contract allows. */
let proofs: RunProof[]

beforeAll(async () => {
  world = await ProofWorld.open()
  policy = trustPolicyOf(world.world)
  proofs = []
  for (let at = 0; at < 3; at++) {
    world.world.now += 60
    proofs.push(await world.prove())
  }
})

/** Names of the checks that failed, with the code of a proof that does not hold. */
function failures({ checks }: Audit): string[] {
  return checks
    .filter(({ status }) => status === 'fail')
    .map(({ name, code }) => (code === undefined ? name : `${name} ${code}`))
}

/** The second proof with something done to it, audited between the others. */
function auditTampered(change: (proof: RunProof) => void): Audit {
  const tampered = structuredClone(proofs[1]!)
  change(tampered)
  return auditRuns([proofs[0]!, tampered, proofs[2]!], policy)
}

/** An envelope whose payload says something else, and whose signature is what it was. */
function reworded(envelope: string, from: string, to: string): string {
  const parsed = JSON.parse(envelope) as { payload: string }
  const text = Buffer.from(parsed.payload, 'base64').toString()
  if (!text.includes(from)) throw new Error(`the envelope does not say ${from}`)
  parsed.payload = Buffer.from(text.replace(from, to)).toString('base64')
  return JSON.stringify(parsed)
}

describe('an audit of genuine runs', () => {
  it('passes every check, and says what each run was and cost', () => {
    const audit = auditRuns(proofs, policy)
    expect(failures(audit)).toEqual([])
    expect(audit).toMatchObject({ ok: true, gaps: [], contract: { digest: world.world.digest } })
    expect(audit.runs.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(audit.runs[0]).toMatchObject({
      transform: 'overlap',
      template: 'count',
      software: true,
      charges: [
        { input: 'accounts', transform: 'overlap', runs: 1 },
        { input: 'purchases', transform: 'overlap', runs: 1 },
      ],
      outputs: [{ output: 'offers', receivers: ['shop'], bytes: 100 }],
    })
    expect(audit.checks.every(({ status }) => status === 'pass')).toBe(true)
    expect(audit.graph!.transforms[0]!.budgets).toMatchObject([
      { input: 'accounts', spentRuns: 3, runs: 3 },
      { input: 'purchases', spentRuns: 3, runs: 3 },
    ])
  })

  it('takes bytes for proofs, in any order', () => {
    const bytes = proofs.map((proof) => utf8(JSON.stringify(proof)))
    const audit = auditRuns([bytes[2]!, bytes[0]!, bytes[1]!], policy)
    expect(audit.ok).toBe(true)
    expect(audit.runs.map(({ sequence, proof }) => [sequence, proof])).toEqual([
      [1, 1],
      [2, 2],
      [3, 0],
    ])
  })

  it('tells runs whose proofs are not here, and fails for none of them', () => {
    const audit = auditRuns([proofs[2]!], policy)
    expect(audit).toMatchObject({ ok: true, gaps: [{ from: 1, to: 2 }] })
    expect(audit.checks.find(({ name }) => name === 'runs.complete')).toMatchObject({
      status: 'missing',
      found: 'none of 1-2',
    })
  })

  it('counts a run once, and says that it came twice', () => {
    const audit = auditRuns([proofs[0]!, proofs[0]!], policy)
    expect(failures(audit)).toEqual(['runs.unique'])
    expect(audit.runs).toHaveLength(1)
    expect(audit.graph!.transforms[0]!.budgets[0]!.spentRuns).toBe(1)
  })

  it('fails all of them under the policy of somebody who trusts another deployment', () => {
    const audit = auditRuns(proofs, { ...policy, genesis: '00'.repeat(32) })
    expect(failures(audit)).toEqual(proofs.map(() => 'run.proof ROOM_OFFER'))
    expect(audit).toMatchObject({ ok: false, runs: [] })
    expect(audit).not.toHaveProperty('graph')
  })
})

describe.skipIf(!hasDuckDb)('an audit of runs that a room computed', () => {
  it('finds nothing wrong with them', async () => {
    const lab = await RoomLab.open()
    try {
      const rows = Array.from({ length: 20 }, (_, at) => `c${at},${at}`).join('\n')
      const table = () => sealed('table', 'csv', utf8(`customer,amount\n${rows}\n`))
      await lab.prepare({ accounts: await table(), purchases: await table() })
      const computed: RunProof[] = []
      for (let at = 0; at < 2; at++) {
        const { offered, view } = await lab.run()
        computed.push({
          format: 'sotto-run-proof/1',
          contract: lab.world.text,
          offered,
          view,
          bundle: toBase64Url(encodeTrustBundle(await bundleOf(lab.world))),
          at: lab.world.now,
        })
      }
      const audit = auditRuns(computed, trustPolicyOf(lab.world))
      expect(audit.checks.filter(({ status }) => status !== 'pass')).toEqual([])
      expect(audit.runs.map(({ sequence }) => sequence)).toEqual([1, 2])
    } finally {
      await lab.close()
    }
  })
})

describe('an audit of a proof that somebody changed', () => {
  it.each<[what: string, failure: string, change: (proof: RunProof) => void]>([
    [
      'a charge in the receipt',
      'run.proof CONTRACT_SIGNATURE',
      ({ view }) => void (view.receipt = reworded(view.receipt!, '"accounts"', '"purchase"')),
    ],
    [
      'the sequence number of the receipt',
      'run.proof CONTRACT_SIGNATURE',
      ({ view }) => void (view.receipt = reworded(view.receipt!, '"sequence":2', '"sequence":1')),
    ],
    ['a receipt that is not there', 'run.proof ROOM_OFFER', ({ view }) => void delete view.receipt],
    [
      'a step of the provenance',
      'run.proof ROOM_SIGNATURE',
      ({ view }) => void (view.provenance = reworded(view.provenance!, '"kind":"sql"', '"kind":"wasm"')),
    ],
    [
      'the receiver of an output',
      'run.proof CONTRACT_SIGNATURE',
      ({ view }) => void (view.outputs[0] = reworded(view.outputs[0]!, '"shop"', '"bank"')),
    ],
    ['an output that is not there', 'run.proof ROOM_OFFER', ({ view }) => void (view.outputs = [])],
    [
      'the evidence of the room',
      'run.proof ROOM_OFFER',
      ({ offered }) => void (offered.shown.evidence = structuredClone(proofs[0]!.offered.shown.evidence)),
    ],
    [
      'one byte of the evidence',
      'run.proof ROOM_OFFER',
      ({ offered }) => {
        const [piece] = offered.shown.evidence as { evidence: string }[]
        const bytes = fromBase64Url(piece!.evidence)
        bytes[100]! ^= 1
        piece!.evidence = toBase64Url(bytes)
      },
    ],
    ['the trust bundle', 'run.proof ROOM_PROOF', (proof) => void (proof.bundle = toBase64Url(utf8('{}')))],
    [
      'the statement key in the trust bundle',
      'run.proof ROOM_OFFER',
      (proof) => {
        const bundle = fromUtf8(fromBase64Url(proof.bundle))
        const own = world.world.kms.view.boot.statementKey.publicKey
        if (!bundle.includes(own)) throw new Error('the bundle has no statement key')
        proof.bundle = toBase64Url(utf8(bundle.replaceAll(own, toBase64Url(new Uint8Array(32).fill(7)))))
      },
    ],
    [
      'the contract',
      'run.proof CONTRACT_OTHER',
      (proof) => void (proof.contract = proof.contract.replace('"runs":3', '"runs":9')),
    ],
    [
      'the text of the contract',
      'run.proof CONTRACT_MALFORMED',
      (proof) => void (proof.contract = `${proof.contract} `),
    ],
    [
      'an argument of the offer',
      'run.proof CONTRACT_RUN',
      ({ offered }) => void offered.offer.arguments.push({ name: 'region', value: 'north' }),
    ],
    [
      'the nonce of the offer, and so its name',
      'run.proof ROOM_OFFER',
      ({ offered }) => void (offered.offer.nonce = '00'.repeat(16)),
    ],
    [
      'the view of another run',
      'run.proof ROOM_OFFER',
      (proof) => void (proof.view = structuredClone(proofs[2]!.view)),
    ],
    [
      'the view of another run under the name of this one',
      'run.proof CONTRACT_OTHER',
      (proof) => void (proof.view = { ...structuredClone(proofs[2]!.view), run: proof.view.run }),
    ],
  ])('finds %s, and trusts nothing of that proof', (_, failure, change) => {
    const audit = auditTampered(change)
    expect(failures(audit)).toEqual([failure])
    expect(audit.ok).toBe(false)
    expect(audit.checks.find(({ status }) => status === 'fail')).toMatchObject({ proof: 1 })
    expect(audit.checks.filter(({ proof }) => proof === 1)).toHaveLength(1)
    expect(audit.runs.map(({ sequence }) => sequence)).toEqual([1, 3])
    expect(audit.gaps).toEqual([{ from: 2, to: 2 }])
    expect(audit.graph!.transforms[0]!.budgets[0]!.spentRuns).toBe(2)
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another document', '{"format":"sotto-run-proof/2"}'],
    ['a list', '[]'],
    ['a proof with a stranger in it', '{"format":"sotto-run-proof/1","extra":1}'],
    ['deep nesting', '['.repeat(5000)],
  ])('says of %s that it is no proof', (_, text) => {
    const audit = auditRuns([utf8(text), proofs[0]!], policy)
    expect(failures(audit)).toEqual(['run.proof ROOM_PROOF'])
    expect(audit.runs).toHaveLength(1)
  })

  it('takes no more proofs than it can check', () => {
    expect(() =>
      auditRuns(
        Array.from({ length: 4097 }, () => new Uint8Array()),
        policy,
      ),
    ).toThrow(expect.objectContaining({ code: 'ROOM_PROOF' }))
  })
})

describe('an audit of what a room or a KMS states and should not', () => {
  // A world of its own: a contract has only so many runs.
  let other: ProofWorld
  beforeEach(async () => {
    other = await ProofWorld.open()
  })

  const sealed = '99'.repeat(32)
  it.each<[what: string, failures: string[], lies: Parameters<ProofWorld['prove']>[0]]>([
    [
      'a step that is not in the contract',
      ['run.steps', 'run.tasks'],
      { predicate: { steps: [{ transform: 'other', kind: 'sql', task: '00'.repeat(32) }] } },
    ],
    [
      'another task under the name of a step',
      ['run.tasks'],
      { predicate: { steps: [{ transform: 'overlap', kind: 'sql', task: '00'.repeat(32) }] } },
    ],
    [
      'charges that are not in the receipt',
      ['run.proof ROOM_OFFER'],
      { predicate: { charges: [{ input: 'accounts', transform: 'overlap', runs: 1 }] } },
    ],
    [
      'an input that the run did not offer to read',
      ['run.inputs', 'run.models'],
      {
        predicate: {
          inputs: [{ input: 'accounts', artifact: '0a'.repeat(16), content: '70'.repeat(32), sealed }],
        },
      },
    ],
    ['an end before the beginning', ['run.times'], { predicate: { startedAt: 2, finishedAt: 1 } }],
  ])('finds %s', async (_, expected, lies) => {
    const proof = await other.prove(lies)
    expect(failures(auditRuns([proof], trustPolicyOf(other.world)))).toEqual(expected)
  })

  /** What a KMS would sign instead of what it signed. */
  async function twoRuns(change: (second: RunReceipt) => Partial<RunReceipt>): Promise<Audit> {
    const { world: lab } = other
    const made = [await lab.offer(), await lab.offer()]
    const signed: RunProof[] = []
    for (const [at, run] of made.entries()) {
      const { receipt } = await lab.run(run)
      const { permit } = await lab.ok<{ permit: string }>(lab.result(run))
      const told = payloadOf<RunReceipt>(receipt)
      const receiptOfKms = at === 0 ? receipt : other.signedByKms('receipt', { ...told, ...change(told) })
      signed.push(await other.proofOf(run, { receipt: receiptOfKms, permit }))
    }
    return auditRuns(signed, trustPolicyOf(lab))
  }

  it('finds charges that the contract does not ask for, and measures budgets by the contract', async () => {
    const audit = await twoRuns(({ charges }) => ({ charges: charges.slice(1) }))
    expect(failures(audit)).toEqual(['run.charges'])
    expect(audit.checks.find(({ status }) => status === 'fail')).toMatchObject({
      proof: 1,
      expected: 'accounts for overlap: 1 run',
      found: 'nothing of it',
    })
    expect(audit.graph!.transforms[0]!.budgets.map(({ spentRuns }) => spentRuns)).toEqual([2, 2])
  })

  it('finds a number that two runs have', async () => {
    expect(failures(await twoRuns(() => ({ sequence: 1 })))).toEqual(['runs.sequence'])
  })

  it('finds a later run that began before an earlier one', async () => {
    const audit = await twoRuns(({ issuedAt }) => ({ issuedAt: issuedAt - 61 }))
    expect(failures(audit)).toEqual(['run.times', 'runs.order'])
  })

  it('finds a number far away without counting up to it', async () => {
    const audit = await twoRuns(() => ({ sequence: Number.MAX_SAFE_INTEGER }))
    expect(audit).toMatchObject({ ok: true, gaps: [{ from: 2, to: Number.MAX_SAFE_INTEGER - 1 }] })
  })

  it('finds a run of another contract, and adds nothing of it', () => {
    const text = world.world.text.replace('"title":"offers"', '"title":"others"')
    const audit = auditRuns([proofs[0]!], policy, { contract: parseContract(utf8(text)) })
    expect(failures(audit)).toEqual(['run.contract'])
    expect(audit).toMatchObject({ ok: false, runs: [], contract: { contract: { title: 'others' } } })
    expect(audit.graph!.transforms[0]!.runs).toBe(0)
  })

  it('takes the contract of the first proof that holds for the one that is meant', async () => {
    const foreign = await (await ProofWorld.open({ title: 'others' })).prove()
    const audit = auditRuns([utf8('{}'), proofs[0]!, foreign], policy)
    expect(audit.contract!.digest).toBe(world.world.digest)
    expect(audit.runs).toHaveLength(1)
    expect(failures(audit)).toEqual(['run.proof ROOM_PROOF', 'run.contract'])
  })
})
