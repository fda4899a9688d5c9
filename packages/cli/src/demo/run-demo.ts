import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@sotto/client'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { Step, Verdict } from '@sotto/verifier'
import type { Layout } from '../stack/layout.ts'
import { startStack } from '../stack/start.ts'
import { describeStateError } from '../stack/state-error.ts'
import { whatDisksHold } from './disks.ts'
import { readDemoInputs } from './inputs.ts'
import { judge } from './judge.ts'
import { createSearch, type Found } from './search.ts'
import { readModels, secretsOf } from './secrets.ts'
import { nameProcesses, whatWasSeen, type Seen } from './seen.ts'
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
  disk: { files: number; found: Found }
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
  const readyAt = Date.now()
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

  const search = createSearch(
    secretsOf({
      requests: [inputs.recording, inputs.letter, ...inputs.messages.map(({ content }) => content)],
      answers: [transcript.value, summary.value, chat.value],
      headers: Object.values(headers),
      ...(await readModels(layout.models)),
    }),
  )
  const seen = whatWasSeen(stack.taps, search, nameProcesses(stack.roles))
  const disk = await whatDisksHold(folder, readyAt, search)
  const violations = judge({ seen, disk, sentBytes: inputs.recording.length })
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

function roundAll<T extends Record<string, number>>(timings: T): T {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, Math.round(ms)])) as T
}
