import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import type { Ed25519Key } from '@sotto/protocol/keyrelease'
import type { LogClient, Tree, WitnessedCheckpoint } from '@sotto/serve/log-client'
import { createArtifactImporter } from '../artifacts/index.ts'
import { collectOwnEvidence } from '../attestation/index.ts'
import { MAX_BOOTING, scanOwnHistory } from '../audit/index.ts'
import { kmsError } from '../errors.ts'
import { createIdentity, requireSameGenesis } from '../identity/index.ts'
import type { RootHolder } from '../root/index.ts'
import type { KmsState, StateKeeper } from '../state/index.ts'
import {
  CERTIFICATE_SECONDS,
  createStatementKey,
  type StatementKey,
  type StatementKeyPair,
} from '../statements/index.ts'
import type { KmsParts } from './parts.ts'
import type { Boot } from './view.ts'

/** Makes sure this KMS has an identity, that it is the configured one, and that the log holds it. */
export async function establishIdentity(
  keeper: StateKeeper,
  log: LogClient,
  parts: KmsParts,
  root: RootHolder,
): Promise<void> {
  const { config, clock } = parts
  if (keeper.current.identity === undefined) {
    // Whoever names a genesis does not want another one made.
    if (config.expectGenesis !== undefined)
      throw kmsError('KMS_GENESIS_MISMATCH', 'the configuration expects a genesis, and this store has none', {
        expected: config.expectGenesis,
        hint: 'Start over the store of that KMS, or let custodians bring it back.',
      })
    // Written down before the log hears of it: a second attempt appends the same bytes.
    await keeper.transition((state) => ({
      ...state,
      identity: createIdentity(config, root.signer, clock.now()),
    }))
  }
  const identity = keeper.current.identity!
  requireSameGenesis(identity, config)
  if (config.expectGenesis !== undefined && config.expectGenesis !== identity.digest)
    throw kmsError(
      'KMS_GENESIS_MISMATCH',
      'the configuration expects another genesis than that of this store',
      {
        expected: config.expectGenesis,
        found: identity.digest,
      },
    )
  if (identity.genesis.index !== undefined) return
  const { index, checkpoint } = await log.append(utf8(identity.genesis.envelope))
  clock.observe(checkpoint.time)
  await keeper.transition((state) => ({
    ...state,
    identity: { ...identity, genesis: { ...identity.genesis, index } },
    seen: { size: checkpoint.size, root: toHex(checkpoint.root), scanned: index },
  }))
}

/**
 * Begins a boot: a new statement key, certified, written down and logged, then the log searched for anything of
 * ours the store does not know, then evidence over a checkpoint that contains the certificate (T11). Called again
 * after an error that says `retry` it goes on with the same key: one boot has one certificate.
 * @param keyPair of the boot that a handover was logged for
 * @throws `KMS_STATE_ROLLED_BACK`, `KMS_FENCED`, and those of log client, store and hardware
 */
export async function startBoot(
  keeper: StateKeeper,
  log: LogClient,
  parts: KmsParts,
  root: RootHolder,
  keyPair?: StatementKeyPair,
): Promise<Boot> {
  const { clock, hardware } = parts
  const identity = keeper.current.identity!
  const statementKey = await writeDown(keeper, parts, root, keyPair)
  const { index, checkpoint } = await log.append(utf8(statementKey.certificate))
  clock.observe(checkpoint.time)
  await readHistory(keeper, log, checkpoint, statementKey.publicKey)
  const importer = createArtifactImporter()
  const own = await collectOwnEvidence(hardware, checkpoint, {
    genesis: identity.digest,
    signingKey: statementKey.publicKey,
    importKey: importer.publicKey,
  })
  const certificate = { envelope: statementKey.certificate, index }
  const roots = [...(keeper.current.roots ?? [])]
  unfinished.delete(parts)
  return { statementKey, certificate, roots, importer, own, collectedAt: clock.now() }
}

/** A key that a boot began with and has not come to its end, with the root key that certified it. */
const unfinished = new WeakMap<KmsParts, { statementKey: StatementKey; rootKey: Ed25519Key }>()

/**
 * The statement key of this boot, in the store before the log hears of it. So a certificate in the log that the store
 * does not know was made over another copy of it, also where nothing else was (T11).
 */
async function writeDown(
  keeper: StateKeeper,
  parts: KmsParts,
  root: RootHolder,
  keyPair: StatementKeyPair | undefined,
): Promise<StatementKey> {
  const now = parts.clock.now()
  const begun = unfinished.get(parts)
  const isUsable =
    begun !== undefined &&
    begun.rootKey === root.rootKey &&
    begun.statementKey.notAfter - CERTIFICATE_SECONDS / 2 > now &&
    (keyPair === undefined || begun.statementKey.publicKey === toBase64Url(keyPair.publicKey))
  const { digest } = keeper.current.identity!
  const statementKey = isUsable ? begun.statementKey : createStatementKey(digest, root.signer, now, keyPair)
  unfinished.set(parts, { statementKey, rootKey: root.rootKey })
  await keeper.transition((state) => {
    const before = (state.booting ?? []).filter((key) => key !== statementKey.publicKey)
    return { ...state, booting: [statementKey.publicKey, ...before].slice(0, MAX_BOOTING + 1) }
  })
  return statementKey
}

/** Renews the evidence of a boot over the newest checkpoint. */
export async function renewEvidence(
  boot: Boot,
  keeper: StateKeeper,
  log: LogClient,
  parts: KmsParts,
): Promise<Boot> {
  const { clock, hardware } = parts
  const checkpoint = await log.latest()
  clock.observe(checkpoint.time)
  await readHistory(keeper, log, checkpoint, boot.statementKey.publicKey)
  const own = await collectOwnEvidence(hardware, checkpoint, {
    genesis: keeper.current.identity!.digest,
    signingKey: boot.statementKey.publicKey,
    importKey: boot.importer.publicKey,
  })
  return { ...boot, own, collectedAt: clock.now() }
}

/**
 * Makes sure that no boot after this one is in a tree of the log.
 * @param from entries below this index were searched before by this boot
 * @throws `KMS_FENCED`, also where the later boot has gone on since; those of the log client
 */
export async function requireNewestBoot(
  state: KmsState,
  log: LogClient,
  boot: Boot,
  tree: Tree,
  from: number,
): Promise<void> {
  try {
    const first = Math.max(from, scannedUntil(state))
    const { statementKeys } = await scanOwnHistory(state, log.entries(first, tree.size, tree))
    if (statementKeys.at(-1) === boot.statementKey.publicKey) return
  } catch (cause) {
    if (!hasCode(cause, 'KMS_STATE_ROLLED_BACK')) throw cause
    throw kmsError('KMS_FENCED', 'another KMS of this genesis has gone on since', { cause })
  }
  throw fenced()
}

/** Remembered statement keys: enough to recognise the key sets of the boot before this one. */
const REMEMBERED_STATEMENT_KEYS = 4

/**
 * Searches what the log got since the last look for anything of ours the store does not know, up to `checkpoint`.
 * @throws `KMS_STATE_ROLLED_BACK`; `KMS_FENCED` when another boot's certificate is newer than `statementKey`
 */
export async function readHistory(
  keeper: StateKeeper,
  log: LogClient,
  checkpoint: WitnessedCheckpoint,
  statementKey: string,
): Promise<void> {
  const before = keeper.current
  const from = scannedUntil(before)
  const { statementKeys, roster } = await scanOwnHistory(
    before,
    log.entries(from, checkpoint.size, checkpoint),
  )
  if (statementKeys.at(-1) !== statementKey) throw fenced()
  await keeper.transition((state) => ({
    ...state,
    seen: { size: checkpoint.size, root: toHex(checkpoint.root), scanned: checkpoint.size },
    statementKeys: statementKeys.toReversed().slice(0, REMEMBERED_STATEMENT_KEYS),
    booting: [statementKey],
    ...(roster !== undefined && { roster }),
  }))
}

/** Entries of the log below this index were searched. */
function scannedUntil({ seen, identity }: KmsState): number {
  return seen?.scanned ?? identity!.genesis.index!
}

function fenced(): Error {
  return kmsError('KMS_FENCED', 'another instance of this KMS started later', {
    hint: 'Run one instance; its store must not be copied.',
  })
}
