import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { targetNames } from './targets.ts'
import type { Progress } from './worker.ts'

const HANG_MS = 5_000

const USAGE = `Usage: npm run fuzz -- [options]

Gives every parser and verifier of evidence random and structure-aware mutations of valid inputs. A crash (an
error that is none of ours, or a verdict that cannot be), a hang (${HANG_MS / 1000} s for one input) or memory (64 MB held) is a
failure: the input is written to a file and the seed that makes it again is printed.

Options:
  --seconds <n>    time for each target (default 10)
  --runs <n>       inputs for each target, instead of a time
  --target <name>  only targets whose name contains this
  --seed <n>       first seed (default: from the clock)
  --json           print one JSON document
  --help           print this text`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string' },
    target: { type: 'string', default: '' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** How one target went. */
interface Outcome {
  target: string
  inputs: number
  seed: number
  heldMegabytes: number
  failure?: string
}

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const names = targetNames().filter((name) => name.includes(values.target))
  if (names.length === 0) {
    console.error(`error: no target ${values.target}\nhint: use a part of one of ${targetNames().join(', ')}`)
    return 2
  }
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
  const outcomes: Outcome[] = []
  for (const name of names) {
    const outcome = await runTarget(name, seed)
    outcomes.push(outcome)
    if (!values.json) print(outcome)
  }
  const failed = outcomes.filter(({ failure }) => failure !== undefined)
  const inputs = outcomes.reduce((sum, outcome) => sum + outcome.inputs, 0)
  if (values.json)
    console.log(JSON.stringify({ passed: failed.length === 0, inputs, targets: outcomes }, null, 1))
  else console.log(`${inputs} inputs, ${failed.length} of ${outcomes.length} targets failed`)
  return failed.length === 0 ? 0 : 1
}

/** Runs one target in a process of its own, which can be ended when it hangs. */
function runTarget(target: string, seed: number): Promise<Outcome> {
  const child = fork(new URL('worker.ts', import.meta.url), [], {
    execArgv: ['--expose-gc', '--max-old-space-size=512'],
  })
  child.send({
    target,
    seed,
    ...(values.runs === undefined ? { seconds: Number(values.seconds) } : { runs: Number(values.runs) }),
  })
  return new Promise((resolve) => {
    let last: Progress = { inputs: 0, heldMegabytes: 0 }
    let timer = setTimeout(hang, 60_000)
    function hang(): void {
      child.kill('SIGKILL')
      end(`hangs: no end after ${HANG_MS / 1000} s; made again by --seed ${seed} after ${last.inputs} inputs`)
    }
    function end(failure?: string): void {
      clearTimeout(timer)
      resolve({ target, seed, ...last, ...(failure !== undefined && { failure }) })
    }
    child.on('message', (progress: Progress) => {
      last = { inputs: progress.inputs, heldMegabytes: progress.heldMegabytes }
      clearTimeout(timer)
      if (progress.failure !== undefined || progress.isDone) end(progress.failure)
      else timer = setTimeout(hang, HANG_MS)
    })
    child.once('exit', (code, signal) => end(code === 0 ? undefined : `the process ended: ${signal ?? code}`))
  })
}

function print({ target, inputs, heldMegabytes, failure }: Outcome): void {
  const start = `${failure === undefined ? 'ok    ' : 'FAILED'} ${target.padEnd(28)} ${String(inputs).padStart(9)} inputs`
  console.log(`${start}  ${heldMegabytes.toFixed(1).padStart(5)} MB held`)
  if (failure !== undefined) console.log(`       ${failure}`)
}
