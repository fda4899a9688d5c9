import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from './support/command.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { show, spread } from './support/stats.ts'
import { openWorkspace } from './support/workspace.ts'

/** From `sotto up` in an empty folder to the first transcript of `sotto transcribe`, and where the time goes. */
const RECORDING = join(import.meta.dirname, '../models/demo/session-note.wav')

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const say = (text: string): void => void (values.json || console.log(text))

/** One start, milliseconds. */
interface Start {
  /** Each step that `sotto up` announces, until the next. */
  steps: Record<string, number>
  readyMs: number
  /** `sotto transcribe`, its own start and verification included. */
  transcribeMs: number
  /** From the start of `sotto up` to the transcript. */
  answerMs: number
  /** The least a Node program of this size takes: `sotto --version`. */
  floorMs: number
}

process.exitCode = await main()

async function main(): Promise<number> {
  const before = await measureNoise()
  say(describeNoise('before', before))
  const workspace = await openWorkspace()
  try {
    const starts: Start[] = []
    for (let run = 0; run < Number(values.runs); run++) starts.push(await start(workspace.command))
    report(starts)
    const after = await measureNoise()
    say(describeNoise('after', after))
    if (values.json) console.log(JSON.stringify({ before, starts, after }))
    return 0
  } finally {
    await workspace.remove()
  }
}

async function start(command: string): Promise<Start> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-up-'))
  const floor = await runCommand(command, ['--version'], folder).ended
  const started = performance.now()
  const up = runCommand(command, ['up'], folder)
  try {
    const ready = await up.line(/^ready/)
    const transcribe = runCommand(command, ['transcribe', RECORDING], folder)
    const { code, ms } = await transcribe.ended
    const answerMs = performance.now() - started
    if (code !== 0)
      throw new Error(`sotto transcribe failed: ${transcribe.lines.map(({ text }) => text).join(' | ')}`)
    return {
      steps: stepsOf(up.lines, ready.ms),
      readyMs: ready.ms,
      transcribeMs: ms,
      answerMs,
      floorMs: floor.ms,
    }
  } finally {
    await up.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Progress lines end in an ellipsis; the time before the first is the command's own start. */
function stepsOf(lines: { ms: number; text: string }[], readyMs: number): Record<string, number> {
  const steps: Record<string, number> = {}
  let name = 'starting the command'
  let since = 0
  for (const { ms, text } of lines) {
    const next = /^(.*\S) ?\.\.\.$/.exec(text)?.[1]
    if (next === undefined) continue
    steps[name] = ms - since
    name = next
    since = ms
  }
  steps[name] = readyMs - since
  return steps
}

function report(starts: Start[]): void {
  say(`${starts.length} starts in empty folders (min / median / max)`)
  const row = (name: string, of: (start: Start) => number): void => {
    say(` ${name.padEnd(44)} ${show(spread(starts.map(of)), 'ms', 0)}`)
  }
  for (const step of Object.keys(starts[0]!.steps)) row(`  ${step}`, ({ steps }) => steps[step] ?? 0)
  row('ready', ({ readyMs }) => readyMs)
  row('sotto transcribe (10.5 s of speech)', ({ transcribeMs }) => transcribeMs)
  row('from sotto up to the transcript', ({ answerMs }) => answerMs)
  row('floor: sotto --version', ({ floorMs }) => floorMs)
  const ratio = spread(starts.map(({ answerMs, floorMs }) => answerMs / floorMs))
  say(` from sotto up to the transcript, in starts of the bare command: ${show(ratio, 'x', 1)}`)
}
