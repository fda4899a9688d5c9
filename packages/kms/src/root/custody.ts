import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  createShareSet,
  CUSTODY_TYPES,
  type SharesDocument,
  type ShareSet,
  shareSetDecoder,
} from '@sotto/protocol/custody'
import { parseDsse } from '@sotto/protocol/dsse'
import { decodeDocument, type LoggedStatement, type UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import type { KmsClock } from '../clock/index.ts'
import { kmsError } from '../errors.ts'
import type { Custody, KmsState, StateKeeper } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'
import { type LoggedShareSet, withAcknowledgement } from '@sotto/verifier/custody'
import type { RootHolder } from './holder.ts'
import { rootKeyOf } from './in-force.ts'
import type { Sharing } from './types.ts'

/** What making shares and hearing of them needs. */
export interface CustodyTools {
  keeper: StateKeeper
  log: LogClient
  clock: KmsClock
  root: RootHolder
  /** Signs share sets. */
  signer: { statementKey: StatementKey; certificate: LoggedStatement }
}

/**
 * Makes and logs the shares that are due: those of a new secret, and those members decided on. The set is
 * written down before the log hears of it, so that a second attempt appends the same bytes.
 */
export async function advanceShares(tools: CustodyTools): Promise<void> {
  const { keeper, clock, root, signer } = tools
  const wanted = wantedSharing(keeper.current, root.source.sharing)
  if (wanted !== undefined) {
    await keeper.transition(({ sharing: _done, ...state }) => {
      const { rootKey, secret } = root
      const custody = shareOut(state, secret, rootKey, wanted, clock.now(), signer)
      return { ...state, custody }
    })
  }
  await logShares(tools)
}

/** Puts the newest share set into the log, if it is written down and not there yet. */
export async function logShares({ keeper, log, clock }: CustodyTools): Promise<void> {
  const { custody } = keeper.current
  if (custody === undefined || custody.set.index !== undefined) return
  const { index, checkpoint } = await log.append(utf8(custody.set.envelope))
  clock.observe(checkpoint.time)
  await keeper.transition((state) => ({
    ...state,
    custody: { ...state.custody!, set: { ...custody.set, index } },
  }))
}

/** Tells the source whose secret it keeps, once everything that leads back to it is logged. */
export async function settleRoot({ identity }: KmsState, root: RootHolder): Promise<void> {
  const { envelope, index } = identity!.genesis
  await root.source.settle(root.secret, { digest: identity!.digest, genesis: { envelope, index: index! } })
}

/** The state's custody with a fresh set of shares, not logged yet. */
export function shareOut(
  { identity, custody }: KmsState,
  secret: Uint8Array,
  rootKey: string,
  sharing: Sharing,
  now: UnixSeconds,
  { statementKey, certificate }: CustodyTools['signer'],
): Custody {
  const generation = (custody?.generation ?? 0) + 1
  const set = createShareSet(secret, { genesis: identity!.digest, generation, rootKey, now, ...sharing })
  return {
    generation,
    sharing,
    set: { envelope: statementKey.sign(CUSTODY_TYPES.shareSet, set) },
    certificate,
    acknowledgements: [],
    isEstablished: custody?.isEstablished ?? false,
  }
}

/**
 * Takes a custodian's word that its share of the newest set opens: logged, then remembered.
 * @throws `KMS_NO_SHARES`, `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, those of log client and store
 */
export async function acknowledgeShare(
  body: Uint8Array,
  { keeper, log, clock }: CustodyTools,
): Promise<void> {
  const before = loggedSet(keeper.current)
  let after: LoggedShareSet
  try {
    after = withAcknowledgement(before, parseDsse(body), { envelope: fromUtf8(body), index: 0 })
  } catch (cause) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'the acknowledgement is malformed', { cause })
  }
  if (after === before) {
    if ([...before.acknowledgements.values()].some(({ envelope }) => envelope === fromUtf8(body))) return
    throw kmsError(
      'KMS_NOT_AUTHORIZED',
      'no custodian of the newest shares signed it, or it is not the first',
      {
        expected: `generation ${before.document.generation}`,
      },
    )
  }
  const { index, checkpoint } = await log.append(body)
  clock.observe(checkpoint.time)
  const [said] = [...after.acknowledgements.keys()].filter((share) => !before.acknowledgements.has(share))
  await keeper.transition((state) => {
    const custody = state.custody!
    const statement = { envelope: fromUtf8(body), index }
    const acknowledgements = [...custody.acknowledgements, { share: said!, statement }]
    const isEstablished = custody.isEstablished || acknowledgements.length >= before.document.threshold
    return { ...state, custody: { ...custody, acknowledgements, isEstablished } }
  })
}

/** `GET /v1/shares`. @throws `KMS_NO_SHARES` */
export function sharesDocument(state: KmsState): SharesDocument {
  const { statement, certificate, acknowledgements } = loggedSet(state)
  const { envelope, index } = state.identity!.genesis
  return {
    genesis: { envelope, index: index! },
    roots: [...(state.roots ?? [])],
    certificate,
    shareSet: statement,
    acknowledgements: [...acknowledgements.values()],
  }
}

/** Whether custodians have to say that they can open their shares before anything rests on the secret (T15). */
export function isWaitingForCustodians(state: KmsState, configured: Sharing | undefined): boolean {
  return configured !== undefined && state.custody?.isEstablished !== true
}

/** The document of a state's newest set. */
export function shareSetOf({ set }: Custody): ShareSet {
  return decodeDocument(parseDsse(utf8(set.envelope)).payload, shareSetDecoder, 'share set')
}

function loggedSet({ custody }: KmsState): LoggedShareSet {
  const index = custody?.set.index
  if (custody === undefined || index === undefined)
    throw kmsError('KMS_NO_SHARES', 'this KMS has no custodians', {
      hint: 'Configure root.source as custodians.',
    })
  const { set, certificate, acknowledgements } = custody
  return {
    statement: { envelope: set.envelope, index },
    document: shareSetOf(custody),
    certificate,
    acknowledgements: new Map(acknowledgements.map(({ share, statement }) => [share, statement])),
  }
}

/** Who is to get fresh shares; a decision of members comes before what was configured for the beginning. */
function wantedSharing(state: KmsState, configured: Sharing | undefined): Sharing | undefined {
  if (configured === undefined || state.rotation !== undefined) return undefined
  if (state.sharing !== undefined) return state.sharing
  if (state.custody === undefined) return configured
  // Of another root key: what was decided or configured holds for the new one.
  return shareSetOf(state.custody).rootKey === rootKeyOf(state) ? undefined : state.custody.sharing
}
