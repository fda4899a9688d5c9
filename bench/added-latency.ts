import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from '@sotto/client'
import { EngineHost, readModelDirectory, type EngineProcess } from '../packages/enclave/src/engines/index.ts'
import { startStack } from '../packages/cli/src/stack/start.ts'
import type { Layout } from '../packages/cli/src/stack/layout.ts'
import { chatDirect, chatThrough, type ChatRun } from './support/chat-run.ts'
import { recordingDirect, recordingThrough, type RecordingRun } from './support/recording-run.ts'
import { randomModels, shippedModels, type BenchModels } from './support/models.ts'
import { LLAMA_SHAPES } from './support/random-gguf.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { measurePlainChain } from './support/plain-chain.ts'
import { gate, median, show, spread } from './support/stats.ts'
import { installStampingEngine, openWorkspace, withoutWindow, type Workspace } from './support/workspace.ts'

/**
 * What `client → relay → gateway → engine` adds to the same engine called directly, in alternation:
 * time to the first token, time per token event, time for a recording of ten seconds.
 */
const GATES = { firstMs: 5, eventMs: 1, share: 3 }
const RECORDING_SECONDS = 10
const WARM_UP_ROUNDS = 2
/** Requests through the stack before anything is measured: V8 compiles what runs often, and a service has run. */
const WARM_UP_REQUESTS = 400

const { values } = parseArgs({
  options: {
    realistic: { type: 'boolean', default: false },
    shape: { type: 'string', default: '1.1b' },
    rounds: { type: 'string', default: '8' },
    tokens: { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const tokens = Number(values.tokens)
const say = (text: string): void => void (values.json || console.log(text))

/** The same job both ways, run by run. */
interface Compared<Run> {
  direct: Run[]
  through: Run[]
}

/** A stack whose gateway gathers events within `windowMs`. */
interface Variant {
  windowMs: number
  layout: Layout
}

process.exitCode = await main()

async function main(): Promise<number> {
  const before = await measureNoise()
  say(describeNoise('before', before))
  const plain = await measurePlainChain()
  say(
    `for comparison, 2 KiB in clear through a proxy that does nothing: ${plain.busyMs.toFixed(2)} ms one after the other, ` +
      `${plain.restedMs.toFixed(2)} ms after a rest, as between tokens`,
  )
  const workspace = await openWorkspace()
  const made = values.realistic ? await mkdtemp(join(tmpdir(), 'sotto-bench-models-')) : undefined
  try {
    const engineEntry = await installStampingEngine(workspace)
    const models = made ? await randomModels(made, shapeName()) : shippedModels(workspace.layout.models)
    say(`models: ${models.label}; ${rounds} rounds of ${tokens} tokens, direct and through in turn`)
    const host = await EngineHost.open({ entry: engineEntry, require: 'best-effort' })
    try {
      const chat = await host.start(readModelDirectory(join(models.folder, models.chat)))
      const speech = await host.start(readModelDirectory(join(models.folder, models.speech)))
      const results = []
      for (const variant of await variantsOf(workspace, models))
        results.push(await measure(variant, models, chat, speech))
      const after = await measureNoise()
      say(describeNoise('after', after))
      if (values.json) console.log(JSON.stringify({ models: models.label, before, plain, results, after }))
      return 0
    } finally {
      await host.close()
    }
  } finally {
    await workspace.remove()
    if (made) await rm(made, { recursive: true, force: true })
  }
}

function shapeName(): keyof typeof LLAMA_SHAPES {
  const shape = values.shape
  if (!Object.hasOwn(LLAMA_SHAPES, shape))
    throw new Error(`--shape is one of ${Object.keys(LLAMA_SHAPES).join(', ')}`)
  return shape as keyof typeof LLAMA_SHAPES
}

async function variantsOf(workspace: Workspace, models: BenchModels): Promise<Variant[]> {
  return [
    { windowMs: 20, layout: { ...workspace.layout, models: models.folder } },
    { windowMs: 0, layout: { ...(await withoutWindow(workspace)), models: models.folder } },
  ]
}

async function measure(
  { windowMs, layout }: Variant,
  models: BenchModels,
  chat: EngineProcess,
  speech: EngineProcess,
): Promise<object> {
  const recording = await tenSeconds()
  const stateFolder = await mkdtemp(join(tmpdir(), 'sotto-bench-stack-'))
  const stack = await startStack({ layout, stateFolder })
  try {
    const sotto = await connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway })
    const cold = await chatThrough(sotto, models.chat, 8)
    for (let request = 0; request < WARM_UP_REQUESTS; request++)
      await (await sotto.fetch(`${sotto.baseURL}/models`)).text()
    const texts = await compare<ChatRun>(
      () => chatDirect(chat, tokens),
      () => chatThrough(sotto, models.chat, tokens),
    )
    const speeches = await compare<RecordingRun>(
      () => recordingDirect(speech, recording),
      () => recordingThrough(sotto, models.speech, recording),
    )
    say(
      `\nwindow ${windowMs} ms${windowMs === 20 ? ' (the default)' : ' (every event at once; another image)'}`,
    )
    say(` very first request of a fresh stack: first token ${cold.firstOnWayMs.toFixed(2)} ms on its way`)
    const result = {
      windowMs,
      coldFirstMs: cold.firstOnWayMs,
      chat: chatResult(texts),
      recording: recordingResult(speeches),
    }
    printChat(texts, result.chat)
    printRecording(speeches, result.recording)
    return result
  } finally {
    await stack.stop()
    await rm(stateFolder, { recursive: true, force: true })
  }
}

async function compare<Run>(direct: () => Promise<Run>, through: () => Promise<Run>): Promise<Compared<Run>> {
  const found: Compared<Run> = { direct: [], through: [] }
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    // Each goes first as often as the other.
    const first = round % 2 === 0
    const one = first ? await direct() : await through()
    const other = first ? await through() : await direct()
    if (round < 0) continue
    found.direct.push((first ? one : other) as Run)
    found.through.push((first ? other : one) as Run)
  }
  return found
}

function chatResult({ direct, through }: Compared<ChatRun>): Record<string, number> {
  const firstMs = difference(direct, through, (run) => run.firstOnWayMs)
  const eventMs =
    median(through.flatMap((run) => run.eventsMs)) - median(direct.flatMap((run) => run.eventsMs))
  const onWayMs = difference(direct, through, (run) => run.onWayMs)
  const wholeMs = median(direct.map((run) => run.totalMs))
  return {
    firstMs,
    eventMs,
    share: (onWayMs / wholeMs) * 100,
    wallFirstMs: difference(direct, through, (run) => run.firstMs),
    wallShare: (difference(direct, through, (run) => run.totalMs) / wholeMs) * 100,
  }
}

function recordingResult({ direct, through }: Compared<RecordingRun>): Record<string, number> {
  const addedMs = difference(direct, through, (run) => run.onWayMs)
  const wholeMs = median(direct.map((run) => run.totalMs))
  return {
    addedMs,
    share: (addedMs / wholeMs) * 100,
    wallShare: (difference(direct, through, (run) => run.totalMs) / wholeMs) * 100,
  }
}

function difference<Run>(direct: Run[], through: Run[], of: (run: Run) => number): number {
  return median(through.map(of)) - median(direct.map(of))
}

function printChat({ direct, through }: Compared<ChatRun>, found: Record<string, number>): void {
  const row = (name: string, of: (run: ChatRun) => number): void => {
    say(
      `  ${name.padEnd(30)} direct ${show(spread(direct.map(of)), 'ms')}   through ${show(spread(through.map(of)), 'ms')}`,
    )
  }
  say(' streamed chat (min / median / max)')
  row('first token, wall', (run) => run.firstMs)
  row('first token, on its way', (run) => run.firstOnWayMs)
  row('  of it, request to the engine', (run) => run.requestMs)
  row('event, on its way (p50 of run)', (run) => median(run.eventsMs))
  row('whole answer, wall', (run) => run.totalMs)
  say(
    `  added to the first token  ${found['firstMs']!.toFixed(2)} ms   ${gate(found['firstMs']!, GATES.firstMs, 'ms')}   (wall: ${found['wallFirstMs']!.toFixed(2)} ms)`,
  )
  say(
    `  added per event, p50      ${found['eventMs']!.toFixed(2)} ms   ${gate(found['eventMs']!, GATES.eventMs, 'ms')}`,
  )
  printShare(found)
}

function printRecording({ direct, through }: Compared<RecordingRun>, found: Record<string, number>): void {
  say(` recording of ${RECORDING_SECONDS} s (min / median / max)`)
  for (const [name, of] of [
    ['wall', (run: RecordingRun) => run.totalMs],
    ['on its way', (run: RecordingRun) => run.onWayMs],
  ] as const)
    say(
      `  ${name.padEnd(30)} direct ${show(spread(direct.map(of)), 'ms')}   through ${show(spread(through.map(of)), 'ms')}`,
    )
  say(`  added                     ${found['addedMs']!.toFixed(2)} ms`)
  printShare(found)
}

function printShare(found: Record<string, number>): void {
  const text = gate(found['share']!, GATES.share, '%')
  const where = values.realistic ? text : `${text} (the goal is for realistic shapes: --realistic)`
  say(
    `  added to the whole        ${found['share']!.toFixed(2)} %   ${where}   (wall: ${found['wallShare']!.toFixed(2)} %)`,
  )
}

/** The first ten seconds of the demo's recording: 16 kHz, 16 bit, mono. */
async function tenSeconds(): Promise<Uint8Array<ArrayBuffer>> {
  const file = await readFile(join(import.meta.dirname, '../models/demo/session-note.wav'))
  const data = file.indexOf('data') + 8
  const bytes = RECORDING_SECONDS * 16_000 * 2
  const cut = new Uint8Array(file.subarray(0, data + bytes))
  const view = new DataView(cut.buffer)
  view.setUint32(4, cut.length - 8, true)
  view.setUint32(data - 4, bytes, true)
  return cut
}
