import { toHex, utf8 } from '@sotto/protocol/bytes'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import { createArtifactImporter } from '../artifacts/index.ts'
import { collectOwnEvidence } from '../attestation/index.ts'
import { scanOwnHistory } from '../audit/index.ts'
import { kmsError } from '../errors.ts'
import { createIdentity, requireSameGenesis } from '../identity/index.ts'
import type { StateKeeper } from '../state/index.ts'
import { createStatementKey } from '../statements/index.ts'
import type { KmsParts } from './parts.ts'
import type { Boot } from './view.ts'

/** Makes sure this KMS has an identity, that it is the configured one, and that the log holds it. */
export async function establishIdentity(keeper: StateKeeper, log: LogClient, parts: KmsParts): Promise<void> {
  const { config, clock } = parts
  if (keeper.current.identity === undefined) {
    // Written down before the log hears of it: a second attempt appends the same bytes.
    await keeper.transition((state) => ({ ...state, identity: createIdentity(config, clock.now()) }))
  }
  const identity = keeper.current.identity!
  requireSameGenesis(identity, config)
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
 * Begins a boot: a new statement key, certified and logged, then the log searched for anything of
 * ours the store does not know, then evidence over a checkpoint that contains the certificate (T11).
 * @throws `KMS_STATE_ROLLED_BACK`, `KMS_FENCED`, and those of log client, store and hardware
 */
export async function startBoot(keeper: StateKeeper, log: LogClient, parts: KmsParts): Promise<Boot> {
  const { clock, hardware } = parts
  const identity = keeper.current.identity!
  const statementKey = createStatementKey(identity, clock.now())
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
  return { statementKey, certificate, importer, own, collectedAt: clock.now() }
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

/** Remembered statement keys: enough to recognise the key sets of the boot before this one. */
const REMEMBERED_STATEMENT_KEYS = 4

async function readHistory(
  keeper: StateKeeper,
  log: LogClient,
  checkpoint: WitnessedCheckpoint,
  statementKey: string,
): Promise<void> {
  const before = keeper.current
  const from = before.seen?.scanned ?? before.identity!.genesis.index!
  const { statementKeys } = await scanOwnHistory(before, log.entries(from, checkpoint.size, checkpoint))
  if (statementKeys.at(-1) !== statementKey) {
    throw kmsError('KMS_FENCED', 'another instance of this KMS started later', {
      hint: 'Run one instance; its store must not be copied.',
    })
  }
  await keeper.transition((state) => ({
    ...state,
    seen: { size: checkpoint.size, root: toHex(checkpoint.root), scanned: checkpoint.size },
    statementKeys: statementKeys.toReversed().slice(0, REMEMBERED_STATEMENT_KEYS),
  }))
}
