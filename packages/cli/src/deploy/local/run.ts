import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { APP_ORIGIN, checkTrust, connect, type ConnectOptions } from '@sotto/client'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { parseTrustPolicy, type Verdict } from '@sotto/verifier'
import { readFile } from 'node:fs/promises'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { detach } from '../../stack/detach.ts'
import { readRunning, type RunningStack, STATE_FOLDER, troubleOf } from '../../stack/running.ts'
import { openSecret, openState } from '../../stack/state.ts'
import { describeStateError } from '../../stack/state-error.ts'
import { stopStack } from '../../stack/stop.ts'
import { superviseStack } from '../../stack/supervise.ts'
import type { DeploymentFile } from '../file/index.ts'
import { type Prepared, prepareDeployment, secretsKeyOf } from '../prepare.ts'
import { openRecords } from '../record/records.ts'
import { openSnapshots } from '../snapshot/snapshots.ts'
import { runningDeploymentOf, stackOptionsOf } from './stack-options.ts'
import { inTurn, isToStop } from './turns.ts'

/** Longest wait for a deployment that was interrupted to let go. */
const INTERRUPTED_MS = 60_000

/** What came of a deployment on this machine. */
export interface LocalDeployment {
  running: RunningStack
  digest: string
  /** It ran already, and nothing was touched. */
  isUnchanged: boolean
  /** From the call to the first verified answer; undefined where nothing was started. */
  readyMs?: number
}

/** Folder of what a deployment on this machine keeps: beside its file. */
export function stateFolderOf({ path }: Pick<DeploymentFile, 'path'>): string {
  return join(dirname(path), STATE_FOLDER)
}

/**
 * Reads a deployment as it stands, or as it was.
 * @param options.snapshot digest that was deployed here before
 * @param options.dryRun write nothing: where no key is kept yet, the digest is another one the next time there are secrets
 */
export async function prepareLocal(
  context: CommandContext,
  file: DeploymentFile,
  { snapshot, dryRun = false }: { snapshot?: string | undefined; dryRun?: boolean } = {},
): Promise<Prepared> {
  const folder = stateFolderOf(file)
  const surroundings = {
    env: context.io.env,
    now: Math.floor(context.io.now() / 1000),
    secretsKey: secretsKeyOf(await (dryRun ? keptSecret(folder) : ownSecret(folder))),
  }
  if (snapshot === undefined) return prepareDeployment(file, surroundings)
  const kept = await openSnapshots(folder).read(snapshot)
  // A folder that was moved meanwhile is still this one.
  return prepareDeployment({ ...kept.file, path: file.path }, surroundings, kept.code)
}

const SECRETS_KEY = 'deployments'

/** The secret by which secrets are compared, made on first use. */
async function ownSecret(folder: string): Promise<string> {
  try {
    const state = await openState(folder)
    return await openSecret(state.key(SECRETS_KEY))
  } catch (error) {
    throw describeStateError(error, folder)
  }
}

/** The same where it is there, else one for this once. */
async function keptSecret(folder: string): Promise<string> {
  const kept = await readFile(join(folder, 'keys', SECRETS_KEY), 'utf8').catch(() => undefined)
  return kept?.trim() ?? randomUUID()
}

/**
 * Makes this machine run a deployment: nothing where it does already, otherwise a new stack in place of the old one. One
 * that does not start leaves the one before running again.
 * @throws `STACK_RUNNING`, `STACK_FAILED`, `DEPLOY_NAME`, `VERIFY_REFUSED` …
 */
export async function deployLocally(context: CommandContext, prepared: Prepared): Promise<LocalDeployment> {
  const folder = stateFolderOf(prepared.file)
  return inTurn(folder, () => replaceStack(context, prepared, folder))
}

async function replaceStack(
  context: CommandContext,
  prepared: Prepared,
  folder: string,
): Promise<LocalDeployment> {
  const { file, digest } = prepared
  const started = performance.now()
  const records = openRecords(context.io)
  await records.require(file.name, dirname(file.path))
  const before = await readRunning(folder)
  if (before !== undefined && before.deployment === undefined)
    throw cliError('STACK_RUNNING', 'the stack of sotto up runs here', {
      hint: 'sotto down stops it; then deploy again',
    })
  if (before?.deployment?.digest === digest && troubleOf(before) === undefined)
    return { running: before, digest, isUnchanged: true }
  const snapshots = openSnapshots(folder)
  await snapshots.keep(prepared).catch((error: unknown) => {
    throw describeStateError(error, folder)
  })
  const turn: Turn = { context, file, folder, previous: before?.deployment?.digest }
  let isDone = false
  // After Ctrl-C a command has little time, and what it does at its end has all that it needs.
  context.onExit(async () => {
    if (isDone || !context.signal.aborted) return
    await inTurn(folder, () => giveBack(turn), INTERRUPTED_MS)
  })
  if (before !== undefined) {
    context.note(`stopping what ran before (${before.deployment!.digest.slice(0, 12)}) ...`)
    await stopStack(folder)
  }
  context.signal.throwIfAborted()
  context.note(`starting ${file.name} (${digest.slice(0, 12)}) ...`)
  try {
    const running = await start(context, file, digest)
    await proveAnswer(context, running, file)
    const now = Math.floor(context.io.now() / 1000)
    await snapshots.arrived(digest, now)
    await records.put({
      name: file.name,
      target: 'local',
      folder: dirname(file.path),
      digest,
      deployedAt: now,
      ...(file.expiresAt !== undefined && { expiresAt: file.expiresAt }),
    })
    isDone = true
    return { running, digest, isUnchanged: false, readyMs: performance.now() - started }
  } catch (error) {
    // Somebody runs sotto up here at the same time: what starts is theirs.
    isDone = hasCode(error, 'STACK_RUNNING')
    if (isDone || context.signal.aborted) throw error
    isDone = true
    throw await restored(turn, error)
  }
}

/** Keeps the stack of a deployment in this process until it is interrupted. */
export async function keepLocally(
  context: CommandContext,
  prepared: Prepared,
  onReady: (running: RunningStack, ms: number) => void,
): Promise<void> {
  await superviseStack(context, {
    folder: stateFolderOf(prepared.file),
    options: stackOptionsOf(prepared),
    deployment: runningDeploymentOf(prepared),
    onReady,
  })
}

/** The verdict about a running stack, by the policy that it left. */
export async function judgeLocal(context: CommandContext, running: RunningStack): Promise<Verdict> {
  return checkTrust(running.relay, await connectionTo(context, running))
}

/** How a running stack is verified: by the policy that it left, and the clock of this command. */
async function connectionTo(context: CommandContext, running: RunningStack): Promise<ConnectOptions> {
  return {
    policy: parseTrustPolicy(await readFile(running.policy, 'utf8')),
    gateway: running.gateway,
    fetch: context.io.fetch,
    now: () => Math.floor(context.io.now() / 1000),
    signal: context.signal,
  }
}

function start(context: CommandContext, file: DeploymentFile, digest: string): Promise<RunningStack> {
  const args = ['--foreground', '--file', file.path, '--snapshot', digest]
  const appMs = (file.app?.health.startSeconds ?? 0) * 1000 * file.resources.replicas
  return detach(context, stateFolderOf(file), 'deploy', args, appMs)
}

/** A deployment is there when somebody who verifies it first gets an answer. */
async function proveAnswer(
  context: CommandContext,
  running: RunningStack,
  file: DeploymentFile,
): Promise<void> {
  const sotto = await connect(running.relay, await connectionTo(context, running))
  const url = file.app ? APP_ORIGIN + file.app.health.path : `${sotto.baseURL}/models`
  const answer = await sotto.fetch(url, { signal: context.signal })
  await answer.arrayBuffer()
  if (answer.ok) return
  throw cliError('STACK_FAILED', 'the deployment runs, and does not answer', {
    expected: `2xx at ${new URL(url).pathname}`,
    found: String(answer.status),
  })
}

/** A deployment on its way, and what it takes the place of. */
interface Turn {
  context: CommandContext
  file: DeploymentFile
  folder: string
  /** Digest of what ran before. */
  previous: string | undefined
}

/** Ends what is there of a deployment that failed, and brings back what ran before. @returns the error, with what came of that */
async function restored(turn: Turn, error: unknown): Promise<unknown> {
  if (!(error instanceof SottoError)) {
    await stopStack(turn.folder)
    return error
  }
  const isBack = await giveBack(turn)
  if (isBack === undefined) return error
  const { code, action, message, expected, found } = error
  return new SottoError(code, action, message, {
    cause: error,
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
    hint: isBack
      ? 'what ran before runs again; sotto logs shows what went wrong'
      : 'what ran before does not start either; sotto logs shows why',
  })
}

/** @returns whether what ran before runs again; undefined where nothing ran, or nothing is to run any more */
async function giveBack({ context, file, folder, previous }: Turn): Promise<boolean | undefined> {
  await stopStack(folder)
  if (previous === undefined || isToStop(folder)) return undefined
  const { aborted } = context.signal
  context.note(`${aborted ? 'interrupted' : 'it did not start'}; starting ${previous.slice(0, 12)} again ...`)
  try {
    await start({ ...context, signal: new AbortController().signal }, file, previous)
    if (aborted) context.note('what ran before runs again')
    return true
  } catch (cause) {
    if (!hasCode(cause, 'STACK_FAILED')) throw cause
    if (aborted) context.note('it does not start; sotto logs shows why')
    return false
  }
}
