import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, type RootSuccession } from '@sotto/protocol/custody'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import type { ProvenStatement } from '@sotto/protocol/evidence'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { createReceipt, createWorld, fakeSigner, type World } from '@sotto/testkit'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { failed, verify } from './receipt-steps.ts'

const key = ({ publicKey }: DsseSigner): string => toBase64Url(publicKey)

/** A world whose root key was replaced twice before its KMS was certified, and a receipt of it. */
async function replaced(
  change: {
    documents?: (first: RootSuccession, second: RootSuccession) => RootSuccession[]
    /** Who signs a succession besides its own new key. */
    by?: DsseSigner
    /** Left out of the log. */
    unlogged?: boolean
  } = {},
): Promise<{ world: World; saved: SavedReceipt; roots: ProvenStatement[] }> {
  const [middle, last] = [fakeSigner(), fakeSigner()]
  const world = await createWorld({ signers: { certificate: last } })
  const { root } = world.signers
  const common = { version: 1, genesis: world.genesisDigest, createdAt: world.now - 100 } as const
  const first: RootSuccession = { ...common, sequence: 1, previousKey: key(root), rootKey: key(middle) }
  const second: RootSuccession = { ...common, sequence: 2, previousKey: key(middle), rootKey: key(last) }
  const documents = change.documents?.(first, second) ?? [first, second]
  const envelopes = documents.map((document, n) =>
    signDsse(CUSTODY_TYPES.rootSuccession, encodeDocument(document), [
      change.by ?? (n === 0 ? root : middle),
      n === 0 ? middle : last,
    ]),
  )
  if (!change.unlogged) for (const envelope of envelopes) world.log.append(envelope)
  const { saved } = await createReceipt(world)
  const roots = change.unlogged
    ? envelopes.map((envelope) => ({
        ...saved.certificate.genesis,
        envelope: Buffer.from(envelope).toString(),
      }))
    : await Promise.all(envelopes.map((envelope) => world.log.prove(envelope)))
  return { world, saved: { ...saved, certificate: { ...saved.certificate, roots } }, roots }
}

test('a receipt of a KMS whose root key was replaced leads from the pinned genesis to the newest one', async () => {
  const { world, saved } = await replaced()
  expect(failed(verify(world, saved))).toEqual([])
  expect(verify(world, saved).ok).toBe(true)
})

const CERTIFICATE = ['receipt.kms-certificate']

test.each<[string, Parameters<typeof replaced>[0]]>([
  ['by somebody who never had the root key', { by: fakeSigner() }],
  ['for another genesis', { documents: (one, two) => [one, { ...two, genesis: '1'.repeat(64) }] }],
  ['that leaves a number out', { documents: (one, two) => [one, { ...two, sequence: 3 }] }],
  ['that follows another key', { documents: (one, two) => [one, { ...two, previousKey: one.previousKey }] }],
  ['that was never logged', { unlogged: true }],
])(claim(['T1', 'T15'], 'a receipt is refused with a new root key %s'), async (_what, change) => {
  const { world, saved } = await replaced(change)
  expect(failed(verify(world, saved))).toEqual(CERTIFICATE)
})

test('a receipt is refused when a new root key is left out, or they come in another order', async () => {
  const { world, saved, roots } = await replaced()
  for (const some of [roots.slice(0, 1), roots.slice(1), roots.toReversed(), [...roots, roots[1]!]]) {
    const certificate = { ...saved.certificate, roots: some }
    expect(failed(verify(world, { ...saved, certificate }))).toEqual(CERTIFICATE)
  }
  const { roots: _none, ...without } = saved.certificate
  expect(failed(verify(world, { ...saved, certificate: without }))).toEqual(CERTIFICATE)
})

test('a receipt is refused after any flipped byte of a new root key', async () => {
  const { world, saved, roots } = await replaced()
  const envelope = utf8(roots[1]!.envelope)
  for (let at = 0; at < envelope.length; at += 23) {
    const changed = envelope.slice()
    changed[at]! ^= 1
    const named = { ...roots[1]!, envelope: Buffer.from(changed).toString('latin1') }
    const certificate = { ...saved.certificate, roots: [roots[0]!, named] }
    let refused: string[]
    try {
      refused = failed(verify(world, { ...saved, certificate }))
    } catch (error) {
      refused = [(error as { code: string }).code]
    }
    expect(refused, `byte ${at} of ${toHex(envelope).length / 2}`).not.toEqual([])
  }
})
