import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { cliError } from '../../errors.ts'
import { findLayout } from '../../stack/layout.ts'
import { type Answer, MAX_ANSWER_LENGTH, parseAnswer } from './answer.ts'

/** The program that measures: engines are no part of the command, so they run in a process of their own. */
export interface BenchProgram {
  readonly node: string
  /** `engine-bench.js` and the entry of engine processes. */
  readonly args: readonly string[]
}

/** A process that measures one model after the other. */
export interface BenchProcess {
  /** Does one job. @throws `BENCH_FAILED` what the engine refuses, `ROLE_FAILED` where the process ends or makes no sense */
  run(job: object, onProgress: (done: number, of: number) => void): Promise<Answer>
  close(): void
}

const LAST_BYTES = 2000

/** The program of this build. @throws `STACK_NOT_BUILT` */
export function benchProgram(): BenchProgram {
  const layout = findLayout()
  const image = layout.image('inference')
  const entry = join(layout.dist, 'bench', 'engine-bench.js')
  if (!existsSync(entry))
    throw cliError('STACK_NOT_BUILT', 'the program that measures models is not built', {
      hint: 'run npm run build in the checkout',
    })
  return { node: join(image, 'bin', 'node'), args: [entry, join(image, 'engine.js')] }
}

/** Starts it. Ended by `signal`, and with this process: its standard input closes then. */
export function startBench({ node, args }: BenchProgram, signal: AbortSignal): BenchProcess {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(node, args, {
    cwd: dirname(args[0]!),
    // Nothing is inherited: NODE_OPTIONS and the like are not for engines.
    env: { LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-LAST_BYTES)))
  child.stdin.on('error', () => {}) // a process that ended says why by its end
  const ended = new Promise<never>((_, reject) => {
    const gone = (why: string, cause?: unknown): void =>
      reject(
        cliError('ROLE_FAILED', `the process that measures ended: ${why}`, {
          cause,
          ...(said !== '' && { found: said.trim().split('\n').slice(-3).join(' | ') }),
        }),
      )
    child.once('error', (error) => gone(error.message, error))
    child.once('close', (code, killed) => gone(killed ? `killed by ${killed}` : `exit code ${code}`))
    signal.addEventListener('abort', () => {
      child.kill('SIGTERM')
      reject(cliError('CLI_CANCELLED', 'interrupted'))
    })
  })
  ended.catch(() => {})
  const lines = linesOf(child.stdout)
  const next = async (): Promise<Answer> => {
    const { value, done } = await Promise.race([lines.next(), ended])
    return done === true ? ended : parseAnswer(value)
  }
  let isReady = false
  return {
    async run(job, onProgress) {
      child.stdin.write(`${JSON.stringify(job)}\n`)
      for (;;) {
        const answer = await next()
        if (answer.type === 'ready' && !isReady) isReady = true
        else if (answer.type === 'progress') onProgress(answer.done, answer.of)
        else if (answer.type === 'failed')
          throw cliError('BENCH_FAILED', answer.message, { found: answer.code })
        else return answer
      }
    },
    close() {
      child.stdin.end()
      child.kill('SIGTERM')
    },
  }
}

async function* linesOf(stream: Readable): AsyncGenerator<string, void> {
  let rest = ''
  for await (const text of stream.setEncoding('utf8')) {
    const lines = (rest + String(text)).split('\n')
    rest = lines.pop()!
    if (rest.length > MAX_ANSWER_LENGTH)
      throw cliError('ROLE_FAILED', 'the process that measures does not end its answer')
    yield* lines
  }
}
