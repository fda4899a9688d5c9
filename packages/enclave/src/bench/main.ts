/**
 * Measures models through the product's own engines, for `sotto models bench`. A program of the user's machine, in no
 * image: `node engine-bench.js ENGINE`, jobs on standard input and answers on standard output, one JSON line each. It
 * ends when its standard input does.
 */
import { createInterface } from 'node:readline'
import { SottoError } from '@sotto/protocol/errors'
import { EngineHost } from '../engines/index.ts'
import { type BenchAnswer, parseJob } from './job.ts'
import { runJob } from './run-job.ts'

function say(answer: BenchAnswer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

function failure(error: unknown): BenchAnswer {
  if (!(error instanceof SottoError))
    return { type: 'failed', code: 'ENGINE_FAILED', message: (error as Error).message }
  const detail = [error.expected && `expected ${error.expected}`, error.found && `found ${error.found}`]
  return { type: 'failed', code: error.code, message: [error.message, ...detail.filter(Boolean)].join('; ') }
}

const host = await EngineHost.open({ entry: process.argv[2] ?? '', require: 'best-effort' }).catch(
  (error: unknown) => {
    say(failure(error))
    process.exit(1)
  },
)
say({ type: 'ready' })
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await runJob(host, parseJob(line), (done, of) => say({ type: 'progress', done, of })))
  } catch (error) {
    say(failure(error))
  }
}
await host.close()
