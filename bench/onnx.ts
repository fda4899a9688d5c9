import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { MEMORY_ENV, MEMORY_FLAGS } from '../packages/cli/src/stack/memory.ts'
import { createApi } from '../packages/enclave/src/api/index.ts'
import { EngineHost } from '../packages/enclave/src/engines/index.ts'
import { modelDigest } from '../packages/enclave/src/engines/manifest.ts'
import { serveModel } from '../packages/enclave/src/models/index.ts'
import { createWaitingRoom } from '../packages/enclave/src/ram/waiting-room.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { threadCpuMsOf } from './support/proc.ts'
import { median, show, spread } from './support/stats.ts'

/**
 * An ONNX model through the API and its engine process, as binary tensors, beside onnxruntime-node called directly in
 * this process, in turn: throughput of one thread, with one request under way and with two, and the processor time of
 * both processes for a run. Where the machine has less than two cores to give, only the latter says something. It runs
 * with the environment and the arguments that gateways are started with, and requests come in pieces as theirs do.
 */
const GATE = 0.98
const THREADS = 1
/** Wall time of one round of one way. */
const ROUND_MS = 250
/** What a gateway opens at once. */
const PIECE_BYTES = 16_384
/** Rounds before anything is measured: V8 compiles what runs often, and a service has run. */
const WARM_UP_ROUNDS = 4

/** Small: the way costs more than the work. Middle: what people run. Large: mostly bytes that come back. */
const MODELS = [
  { size: 'small', file: 'mnist.onnx', input: 'Input3', shape: [1, 1, 28, 28] },
  { size: 'middle', file: 'ultraface-RFB-320.onnx', input: 'input', shape: [1, 3, 240, 320] },
  { size: 'large', file: 'pytorch_super_resolution.onnx', input: 'input', shape: [1, 1, 224, 224] },
] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    size: { type: 'string' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const say = (text: string): void => void (values.json || console.log(text))
const folder = join(
  process.env['SOTTO_TESTDATA'] ?? join(import.meta.dirname, '../../shared/testdata'),
  'onnx',
)

type Way = () => Promise<void>

process.exitCode = isLikeARole() ? await main() : again()

function isLikeARole(): boolean {
  return MEMORY_FLAGS.every((flag) => process.execArgv.includes(flag))
}

function again(): number {
  const words = [...MEMORY_FLAGS, ...process.argv.slice(1)]
  return (
    spawnSync(process.execPath, words, { env: { ...process.env, ...MEMORY_ENV }, stdio: 'inherit' }).status ??
    1
  )
}

async function main(): Promise<number> {
  if (!existsSync(folder)) {
    console.error(`no models in ${folder}: set SOTTO_TESTDATA`)
    return 1
  }
  const before = await measureNoise()
  say(describeNoise('before', before))
  const host = await EngineHost.open({
    entry: fileURLToPath(new URL('../packages/enclave/src/engines/worker/main.ts', import.meta.url)),
    require: 'best-effort',
  })
  const results = []
  try {
    for (const model of MODELS)
      if ((values.size ?? model.size) === model.size) results.push(await compare(host, model))
  } finally {
    await host.close()
  }
  if (values.json) console.log(JSON.stringify({ before, results }))
  const middle = results.find(({ size }) => size === 'middle')
  if (middle === undefined) return 0
  const verdict = (ratio: number): string => (ratio >= GATE ? 'holds' : 'DOES NOT HOLD')
  say(
    `gate: middle, two under way, >= ${GATE} x: ${verdict(middle.ratio)} in wall time, ` +
      `${verdict(middle.cpuRatio)} in processor time`,
  )
  return values.check && middle.ratio < GATE ? 1 : 0
}

async function compare(host: EngineHost, { size, file, input, shape }: (typeof MODELS)[number]) {
  const bytes = readFileSync(join(folder, file))
  const elements = shape.reduce<number>((product, length) => product * length, 1)
  const data = Float32Array.from({ length: elements }, (_, i) => Math.sin(i))
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const direct: Way = async () => void (await session.run({ [input]: new Tensor('float32', data, shape) }))
  const through = await servedWay(host, bytes, input, shape, new Uint8Array(data.buffer))
  const ways = {
    direct: { call: direct, runs: 1 },
    one: { call: through.way, runs: 1 },
    two: { call: () => Promise.all([through.way(), through.way()]).then(() => undefined), runs: 2 },
  }
  const found: Record<keyof typeof ways, Taken[]> = { direct: [], one: [], two: [] }
  for (let round = 0; round < WARM_UP_ROUNDS; round++)
    for (const { call } of Object.values(ways)) await take(call, 1, through.pid)
  for (let round = 0; round < rounds; round++)
    for (const name of ['direct', 'one', 'two'] as const)
      found[name].push(await take(ways[name].call, ways[name].runs, through.pid))
  await session.release()
  say(`${size} (${file})`)
  const wall = (name: keyof typeof ways): number => median(found[name].map(({ wallMs }) => wallMs))
  const cpu = (name: keyof typeof ways): number =>
    found[name].reduce((sum, { cpuMs }) => sum + cpuMs, 0) /
    found[name].reduce((sum, { runs }) => sum + runs, 0)
  for (const name of ['direct', 'one', 'two'] as const)
    say(
      `  ${name.padEnd(6)} ${show(spread(found[name].map(({ wallMs }) => wallMs)), 'ms')} a run, ` +
        `${(wall('direct') / wall(name)).toFixed(3)} x; CPU ${cpu(name).toFixed(2)} ms, ${(cpu('direct') / cpu(name)).toFixed(3)} x`,
    )
  return { size, file, found, ratio: wall('direct') / wall('two'), cpuRatio: cpu('direct') / cpu('two') }
}

/** What one round took: wall time of a run, and processor time of all its runs. */
interface Taken {
  wallMs: number
  cpuMs: number
  runs: number
}

async function take(call: Way, runsOfCall: number, enginePid: number): Promise<Taken> {
  const cpu = (): number => threadCpuMsOf(process.pid) + threadCpuMsOf(enginePid)
  const [start, cpuStart] = [performance.now(), cpu()]
  let runs = 0
  while (performance.now() - start < ROUND_MS) {
    await call()
    runs += runsOfCall
  }
  return { wallMs: (performance.now() - start) / runs, cpuMs: cpu() - cpuStart, runs }
}

async function servedWay(
  host: EngineHost,
  bytes: Uint8Array,
  input: string,
  shape: readonly number[],
  data: Uint8Array,
): Promise<{ way: Way; pid: number }> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const files = [{ name: 'model.onnx', sha256, size: bytes.length, role: 'weights' }] as const
  const about = { format: 'sotto-model/1', id: 'bench', task: 'tensors', engine: 'onnx', files } as const
  const manifest = { ...about, digest: modelDigest(about) }
  const engine = await host.start({ manifest, files: new Map([['model.onnx', bytes]]), threads: THREADS })
  const api = createApi({
    models: { list: () => [serveModel(engine, 0)] },
    clock: { now: () => 0, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes: 1,
    waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 1 }),
  })
  const head = Buffer.from(
    JSON.stringify({
      inputs: [{ name: input, datatype: 'FP32', shape, parameters: { binary_data_size: data.length } }],
      parameters: { binary_data_output: true },
    }),
  )
  const body = Buffer.concat([head, data])
  const headers = { 'inference-header-content-length': String(head.length) }
  const way: Way = async () => {
    const init = { method: 'POST', headers, body: piecesOf(body), duplex: 'half' }
    const request = new Request('https://inference.sotto/v2/models/bench/infer', init as RequestInit)
    const response = await api(request)
    for await (const part of response.body!) void part
    if (response.status !== 200) throw new Error(`status ${response.status}`)
  }
  return { way, pid: engine.pid! }
}

function piecesOf(body: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= body.length) controller.close()
        else controller.enqueue(body.slice(at, (at += PIECE_BYTES)))
      },
    },
    { highWaterMark: 0 },
  )
}
