import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { type CeremonyParts, RecoveryCeremony, type RecoveredSecret } from './ceremony.ts'
import { pause } from '../clock/index.ts'
import { kmsError } from '../errors.ts'
import { RootHistory } from '@sotto/verifier/custody'
import { readRootFile, type RootFile, writeRootFile } from './root-file.ts'
import { createRootSecret, openBridge, sealBridge } from './secret.ts'
import { otherSource } from './tee.ts'
import type { ObtainedRoot, RootOwner, RootSource, RootTools, Sharing } from './types.ts'

/** Pause after a failure that may pass. */
const RETRY_MS = 1000
/** How often a waiting KMS looks whether it is to end, or its evidence is to be renewed. */
const LOOK_MS = 200
/** Evidence of a waiting KMS is bound to a checkpoint no older than this. */
const RENEW_MS = 900_000

/**
 * The root secret in memory only, with shares of it in the hands of custodians. A KMS that finds nothing here
 * and no `expectGenesis` makes a new secret; every other start waits for custodians.
 */
export function custodianSource(path: string, sharing: Sharing): RootSource {
  async function update(change: (file: RootFile) => RootFile): Promise<void> {
    const file = await readRootFile(path)
    if (file !== undefined) await writeRootFile(path, change(file))
  }

  return {
    name: 'custodians',
    sharing,
    canRotate: true,
    async obtain(tools): Promise<ObtainedRoot | undefined> {
      const file = await readRootFile(path)
      if (file !== undefined && file.source !== 'custodians') throw otherSource(file.source)
      const genesis = tools.expectGenesis ?? file?.genesis
      if (genesis === undefined) return { secrets: [createRootSecret()] }
      if (file !== undefined && file.genesis !== genesis)
        throw kmsError(
          'KMS_GENESIS_MISMATCH',
          'the configuration expects another genesis than that of this store',
          {
            expected: genesis,
            found: file.genesis!,
          },
        )
      const found = await recover(genesis, file?.index ?? 0, tools)
      if (found === undefined) return undefined
      const { secret, recovered } = found
      const bridge = file?.bridge
      const before = bridge === undefined ? [] : tryBridge(secret, bridge)
      return { secrets: [secret, ...before], recovered }
    },
    async stage(next, current) {
      await update((file) => ({ ...file, bridge: toBase64Url(sealBridge(next, current)) }))
    },
    async settle(_, { digest, genesis }: RootOwner) {
      await writeRootFile(path, { version: 1, source: 'custodians', genesis: digest, index: genesis.index })
    },
  }
}

/** A bridge to the secret before is of use only for the secret it was made for. */
function tryBridge(secret: Uint8Array, bridge: string): Uint8Array[] {
  try {
    return [openBridge(secret, fromBase64Url(bridge))]
  } catch {
    return []
  }
}

async function recover(
  genesis: string,
  from: number,
  tools: RootTools,
): Promise<RecoveredSecret | undefined> {
  const log = tools.openLog()
  const parts = await patiently(tools, async (): Promise<CeremonyParts> => {
    const checkpoint = await log.latest()
    tools.clock.observe(checkpoint.time)
    const history = new RootHistory(genesis)
    for await (const { index, entry } of log.entries(from, checkpoint.size, checkpoint))
      history.read(index, entry)
    const { hardware, clock } = tools
    return { history, scanned: checkpoint.size, log, hardware, clock }
  })
  const ceremony = parts && (await patiently(tools, () => RecoveryCeremony.begin(parts)))
  if (ceremony === undefined) return undefined
  tools.onWaiting(ceremony)
  return waitForShares(ceremony, tools)
}

async function waitForShares(
  ceremony: RecoveryCeremony,
  tools: RootTools,
): Promise<RecoveredSecret | undefined> {
  let renewedAt = performance.now()
  while (!tools.signal.aborted) {
    const first = await Promise.race([ceremony.done, pause(LOOK_MS, tools.signal)])
    if (first !== undefined) return first
    if (performance.now() - renewedAt < RENEW_MS) continue
    await patiently(tools, () => ceremony.renew())
    renewedAt = performance.now()
  }
  return undefined
}

async function patiently<T>(tools: RootTools, work: () => Promise<T>): Promise<T | undefined> {
  while (!tools.signal.aborted) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof SottoError) || error.action !== 'retry') throw error
      tools.onRetry(error.code)
      await pause(RETRY_MS, tools.signal)
    }
  }
  return undefined
}
