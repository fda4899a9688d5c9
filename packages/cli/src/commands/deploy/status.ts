import { join } from 'node:path'
import { judgeLocal } from '../../deploy/local/run.ts'
import { openSnapshots } from '../../deploy/snapshot/snapshots.ts'
import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand, EXIT, exitCodeOfVerdict } from '../../framework/index.ts'
import { readNote, readRunning, STATE_FOLDER, troubleOf } from '../../stack/running.ts'
import { describePlaces, FILE_FLAG, isInCluster, localFolderOf } from './flags.ts'

/** `sotto status` */
export const status: Command = defineCommand({
  path: ['status'],
  summary: 'Say what runs of a deployment, and verify it',
  description:
    'Of the deployment of this folder, or of one by its name. Exit code 0 when all of it runs and verifies, 1 when a part ' +
    'has ended, otherwise what sotto verify says.',
  arguments: [
    { name: 'NAME', summary: 'a deployment of sotto ls (default: of this folder)', required: false },
  ],
  flags: FILE_FLAG,
  examples: ['sotto status', 'sotto status notes --json'],
  async run(context, [name], flags) {
    const { folder, records } = await localFolderOf(context, name, flags.file)
    const elsewhere = records.filter(isInCluster)
    const state = join(folder, STATE_FOLDER)
    const running = await readRunning(state)
    if (running === undefined) {
      const note = await readNote(state)
      const trouble = note && troubleOf(note)
      throw cliError('STACK_NOT_RUNNING', `no deployment runs in ${folder}`, {
        ...(trouble && { found: trouble.what }),
        hint: 'sotto deploy starts it',
      })
    }
    const { deployment, roles } = running
    const trouble = troubleOf(running)
    const isExpired = deployment?.expiresAt !== undefined && deployment.expiresAt * 1000 <= context.io.now()
    // Where nobody answers, or a part of it has ended, the rest is said all the same.
    let unjudged: SottoError | undefined
    const verdict = await judgeLocal(context, running).catch((error: unknown) => {
      context.signal.throwIfAborted()
      if (!(error instanceof SottoError)) throw error
      unjudged = error
      return undefined
    })
    const { entries } = await openSnapshots(state).history()
    if (context.global.json)
      context.json({
        ...running,
        trouble: trouble?.what ?? null,
        isExpired,
        ok: verdict?.ok ?? false,
        history: entries,
        elsewhere,
      })
    else {
      context.out(`${deployment?.name ?? 'the stack of sotto up'} in ${folder}`)
      if (deployment) context.out(`  deployment ${deployment.digest}`)
      if (deployment?.app) context.out(`  app        ${deployment.app.sha256}`)
      if (deployment?.expiresAt !== undefined)
        context.out(
          `  expires    ${new Date(deployment.expiresAt * 1000).toISOString()}${isExpired ? ': over, it serves nobody' : ''}`,
        )
      for (const { name: role, pid, url, ended } of roles)
        context.out(
          `  ${role.padEnd(12)} ${url.padEnd(24)} process ${pid}${ended ? `, ended: ${ended.reason}` : ''}`,
        )
      context.out(
        `  verified   ${verdict?.ok ? 'yes' : verdict ? 'NO: sotto verify shows every step' : 'NO: it does not answer'}`,
      )
      context.out(
        `  before     ${entries.length > 1 ? `${entries.length - 1} kept; sotto deploy --undo` : 'nothing'}`,
      )
      if (elsewhere.length > 0) context.out(`  elsewhere  ${describePlaces(elsewhere)}`)
    }
    if (trouble !== undefined) {
      context.warn(`warning: ${trouble.what}`)
      return EXIT.failure
    }
    return verdict === undefined ? context.reportFailure(unjudged) : exitCodeOfVerdict(verdict)
  },
})
