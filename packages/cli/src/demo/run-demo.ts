import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@sotto/client'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { Step, Verdict } from '@sotto/verifier'
import type { Layout } from '../stack/layout.ts'
import { startStack, type Stack } from '../stack/start.ts'
import { describeStateError } from '../stack/state-error.ts'
import { readDemoInputs, type DemoInputs } from './inputs.ts'
import { piecesOf, slicesOf, whatDisksHold, whatWasSeen, type Secrets, type Seen } from './seen.ts'
import { DemoTasks, type ClientHeaders } from './tasks.ts'
import { wordErrorRate } from './wer.ts'

/** What the demo reports, also as `--json`. */
export interface DemoReport {
  ok: boolean
  verdict: Verdict
  transcript: { text: string; reference: string; wer: number; cardWer: number }
  summary: string
  chat: { prompt: string; answer: string }
  /** From raw captures of each party's sockets. */
  seen: Record<string, Seen>
  /** Every file the stack left on disk, searched for the same secrets. */
  disk: { files: number; found: Record<keyof Secrets, boolean> }
  /** Promises the captures break; empty when `ok`. */
  violations: string[]
  receipts: SavedReceipt[]
  timings: Record<'startMs' | 'verifyMs' | 'transcribeMs' | 'summarizeMs' | 'chatMs' | 'totalMs', number>
}

/** What happens while the demo runs. */
export interface DemoEvents {
  onProgress(text: string): void
  onSteps(steps: readonly Step[]): void
  onResult(title: string, text: string): void
  onToken(text: string): void
}

/**
 * Starts a stack in a folder of its own, runs the main job through it, and judges from raw captures
 * what every party got. The folder and every process are gone when this settles.
 */
export async function runDemo(
  layout: Layout,
  events: DemoEvents,
  signal: AbortSignal,
  onExit: (cleanup: () => Promise<void>) => void,
): Promise<DemoReport> {
  const started = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'sotto-demo-')).catch((error: unknown) => {
    throw describeStateError(error, tmpdir())
  })
  onExit(() => rm(folder, { recursive: true, force: true }))
  const inputs = await readDemoInputs(layout.models)
  const stack = await startStack({
    layout,
    stateFolder: folder,
    tap: true,
    onProgress: (text) => events.onProgress(text),
    signal,
  })
  onExit(() => stack.stop())
  const startMs = performance.now() - started

  events.onProgress('verifying, before anything is sent')
  const verifyStarted = performance.now()
  const sotto = await connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway, signal })
  const verifyMs = performance.now() - verifyStarted
  events.onSteps(sotto.trust.steps)

  const headers: ClientHeaders = {
    authorization: `Bearer sk-demo-${toHex(crypto.randomBytes(16))}`,
    'user-agent': `demo-client-${toHex(crypto.randomBytes(8))}`,
  }
  const tasks = new DemoTasks(sotto, headers, signal)
  events.onProgress('transcribing the recording')
  const transcript = await tasks.transcribe(inputs)
  events.onResult('transcript', transcript.value)
  events.onProgress('summarising the letter')
  const summary = await tasks.summarize(inputs)
  events.onResult('summary', summary.value)
  events.onProgress('chatting')
  const chat = await tasks.chat(inputs, (text) => events.onToken(text))
  events.onToken('\n')

  const secrets = await secretsOf(inputs, headers, layout, [transcript.value, summary.value, chat.value])
  const seen = whatWasSeen(stack.taps, secrets, nameProcesses(stack))
  const disk = await whatDisksHold(folder, secrets)
  const violations = judge(seen, disk)
  return {
    ok: sotto.trust.ok && violations.length === 0,
    verdict: sotto.trust,
    transcript: {
      text: transcript.value,
      reference: inputs.reference,
      wer: wordErrorRate(inputs.reference, transcript.value),
      cardWer: inputs.cardWer,
    },
    summary: summary.value,
    chat: { prompt: inputs.messages.at(-1)!.content, answer: chat.value },
    seen,
    disk,
    violations,
    receipts: [transcript.receipt, summary.receipt, chat.receipt],
    timings: roundAll({
      startMs,
      verifyMs,
      transcribeMs: transcript.ms,
      summarizeMs: summary.ms,
      chatMs: chat.ms,
      totalMs: performance.now() - started,
    }),
  }
}

async function secretsOf(
  inputs: DemoInputs,
  headers: ClientHeaders,
  layout: Layout,
  answers: string[],
): Promise<Secrets> {
  const weights = await readFile(join(layout.models, 'sotto-ctc-synthetic-en', 'model_quantized.onnx'))
  return {
    request: [
      ...slicesOf(inputs.recording),
      ...piecesOf(inputs.letter),
      ...inputs.messages.flatMap(({ content }) => piecesOf(content)),
    ],
    answer: answers.flatMap(piecesOf),
    inner: ['/v1/audio', '/v1/summaries', '/v1/chat', 'inference.sotto', 'sotto-ctc-synthetic-en'].map(utf8),
    client: Object.values(headers).map(utf8),
    weights: slicesOf(weights),
  }
}

/** This process is the client of the relay, and towards everybody else the owner who releases and seals. */
function nameProcesses(stack: Stack): (pid: number | undefined, party: string) => string {
  const names = new Map(stack.roles.map(({ pid, name }) => [pid, name === 'inference' ? 'gateway' : name]))
  return (pid, party) => {
    if (pid === undefined) return 'a process that was gone'
    if (pid === process.pid) return party === 'relay' ? 'client' : 'owner'
    return names.get(pid) ?? `process ${pid}`
  }
}

/** The promises of ARCHITECTURE.md, "Who can read what", held against the captures. */
function judge(seen: Record<string, Seen>, disk: DemoReport['disk']): string[] {
  const violations: string[] = []
  for (const [party, { found, from }] of Object.entries(seen)) {
    for (const [kind, isFound] of Object.entries(found))
      if (isFound) violations.push(`${kind} in clear on the sockets of ${party}`)
    // Identity: the gateway meets the relay and nobody else.
    if (party === 'gateway' && from.some((name) => name !== 'relay'))
      violations.push(`the gateway was reached by ${from.join(', ')}`)
  }
  for (const [kind, isFound] of Object.entries(disk.found))
    if (isFound) violations.push(`${kind} in clear in a file of the stack`)
  return violations
}

function roundAll<T extends Record<string, number>>(timings: T): T {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, Math.round(ms)])) as T
}
