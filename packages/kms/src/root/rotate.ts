import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, MAX_SUCCESSIONS, type RootSuccession } from '@sotto/protocol/custody'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState, RootRotation } from '../state/index.ts'
import { type CustodyTools, logShares, settleRoot, shareOut, shareSetOf } from './custody.ts'
import { createRootSecret, deriveRoot } from './secret.ts'

/** The root generation in force: 1 for that of the genesis. */
export function rootGeneration({ roots = [] }: KmsState): number {
  return roots.length + 1
}

/** Why the root key of this generation cannot be replaced, or nothing. */
export function findRotationObstacle(
  generation: number,
  state: KmsState,
): ReturnType<typeof kmsError> | undefined {
  const current = rootGeneration(state)
  if (current > MAX_SUCCESSIONS)
    return kmsError('KMS_PROPOSAL_OVERTAKEN', 'this KMS has had all the root keys it can have')
  if (state.rotation !== undefined)
    return kmsError('KMS_PROPOSAL_OVERTAKEN', 'another root key is on its way into force')
  if (generation === current) return undefined
  return kmsError('KMS_PROPOSAL_OVERTAKEN', 'another root generation is in force', {
    expected: `${current}`,
    found: `${generation}`,
  })
}

/**
 * Brings the next root key into force, step by step; each is durable before the next, and each is done again
 * where this process ends in between:
 *
 * 1. the secret and its signed succession are written down, sealed under the old secret;
 * 2. the source can give both secrets, and with the new one the old one too;
 * 3. the new secret's shares are logged, and enough custodians have said that they can open them;
 * 4. the succession is logged: from here on the new key is the root key;
 * 5. the store is sealed anew under the new secret, whole or not at all;
 * 6. the source forgets the old secret.
 *
 * @returns whether a new root key is in force now: the caller has it certify a new statement key
 */
export async function advanceRotation(tools: CustodyTools): Promise<boolean> {
  const { keeper, log, clock, root } = tools
  if (keeper.current.rotation === undefined) return false
  if (keeper.current.rotation.next === undefined) await keeper.transition((state) => withNext(state, tools))
  const { secret, succession } = keeper.current.rotation.next!
  await root.source.stage(secret, root.secret)
  if (!(await areSharesAcknowledged(secret, tools))) return false
  const { index, checkpoint } = await log.append(utf8(succession.envelope))
  clock.observe(checkpoint.time)
  const next = deriveRoot(secret)
  const sealingKey = next.sealingKey()
  root.prepare(secret)
  try {
    await keeper.transition(({ rotation: _done, ...state }) => {
      const roots = [...(state.roots ?? []), { envelope: succession.envelope, index }]
      return { ...state, roots }
    }, sealingKey)
  } finally {
    sealingKey.fill(0)
  }
  await followRoot(tools)
  return true
}

/**
 * Holds the secret of the root key in force, also where the commit that brought it there was reported failed, and has
 * the source forget the one before, also where that failed the first time.
 */
export async function followRoot({ keeper, root }: Pick<CustodyTools, 'keeper' | 'root'>): Promise<void> {
  root.follow(keeper.current)
  if (keeper.current.rotation !== undefined || !root.hasOthers) return
  await settleRoot(keeper.current, root)
  root.forgetRecovery()
}

/** The rotation with its secret made and its succession signed by both keys. */
function withNext(state: KmsState, { root, clock }: CustodyTools): KmsState {
  const secret = createRootSecret()
  const { signer, rootKey } = deriveRoot(secret)
  const document: RootSuccession = {
    version: 1,
    genesis: state.identity!.digest,
    sequence: rootGeneration(state),
    previousKey: root.rootKey,
    rootKey,
    createdAt: clock.now(),
  }
  const payload = encodeDocument(document)
  const envelope = fromUtf8(signDsse(CUSTODY_TYPES.rootSuccession, payload, [root.signer, signer]))
  const rotation: RootRotation = { ...state.rotation!, next: { secret, succession: { envelope } } }
  return { ...state, rotation }
}

/** Shares of the next secret: made, logged, and acknowledged by as many custodians as it takes to open it. */
async function areSharesAcknowledged(secret: Uint8Array, tools: CustodyTools): Promise<boolean> {
  const { keeper, clock, root, signer } = tools
  const configured = root.source.sharing
  if (configured === undefined) return true
  const { rootKey } = deriveRoot(secret)
  const before = keeper.current.custody
  // Members may name others while some of those named before say nothing: or it would never come into force.
  const isDue = keeper.current.sharing !== undefined || before === undefined
  if (isDue || shareSetOf(before).rootKey !== rootKey) {
    await keeper.transition(({ sharing, ...state }) => {
      const wanted = sharing ?? state.custody?.sharing ?? configured
      return { ...state, custody: shareOut(state, secret, rootKey, wanted, clock.now(), signer) }
    })
  }
  await logShares(tools)
  const custody = keeper.current.custody!
  return custody.acknowledgements.length >= shareSetOf(custody).threshold
}
