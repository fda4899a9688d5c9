import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from './support/command.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { memoryOf, resetHighest } from './support/proc.ts'
import { gate, median, show, spread } from './support/stats.ts'
import { openWorkspace } from './support/workspace.ts'

/**
 * How much memory each process takes on while a recording of 25 MiB goes through `sotto proxy`, relay
 * and gateway: highest resident memory during the upload less what it held before.
 */
const GATE_MB = 16
const UPLOAD_BYTES = 25 * 2 ** 20
const SAMPLE_MS = 5
const SETTLE_MS = 1500
const MB = 1e6

const { values } = parseArgs({
  options: { uploads: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const uploads = Number(values.uploads)
const say = (text: string): void => void (values.json || console.log(text))

/** Growth of one process in one upload, bytes. */
interface Growth {
  before: number
  /** By samples of VmRSS. */
  sampled: number
  /** By the kernel's own high-water mark; undefined where it cannot be reset. */
  exact: number | undefined
}

process.exitCode = await main()

async function main(): Promise<number> {
  const before = await measureNoise()
  say(describeNoise('before', before))
  const workspace = await openWorkspace()
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-up-'))
  const up = runCommand(workspace.command, ['up'], folder)
  try {
    await up.line(/^ready/)
    const proxy = runCommand(workspace.command, ['proxy', '--port', '0'], folder)
    try {
      const url = (await proxy.line(/^OPENAI_BASE_URL=/)).text.split('=')[1]!
      const processes = { ...(await rolesOf(folder)), proxy: proxy.pid }
      await upload(url, await recordingOf(2 ** 20))
      const recording = await recordingOf(UPLOAD_BYTES)
      const rounds: Record<string, Growth>[] = []
      for (let index = 0; index < uploads; index++) {
        await new Promise((done) => setTimeout(done, SETTLE_MS))
        rounds.push(await measure(processes, () => upload(url, recording)))
      }
      report(rounds)
      const after = await measureNoise()
      say(describeNoise('after', after))
      if (values.json) console.log(JSON.stringify({ before, rounds, after }))
      return 0
    } finally {
      await proxy.stop()
    }
  } finally {
    await up.stop()
    await rm(folder, { recursive: true, force: true })
    await workspace.remove()
  }
}

/** The relay and the gateway of the stack that runs here. Engines are processes of their own. */
async function rolesOf(folder: string): Promise<Record<'relay' | 'gateway', number>> {
  const { roles } = JSON.parse(await readFile(join(folder, '.sotto', 'stack.json'), 'utf8')) as {
    roles: { name: string; pid: number }[]
  }
  const pid = (name: string): number => roles.find((role) => role.name === name)!.pid
  return { relay: pid('relay'), gateway: pid('inference') }
}

async function measure<Name extends string>(
  processes: Record<Name, number>,
  work: () => Promise<void>,
): Promise<Record<Name, Growth>> {
  const watched = Object.entries<number>(processes).map(([name, pid]) => {
    const canReset = resetHighest(pid)
    const { resident } = memoryOf(pid)
    return { name, pid, canReset, before: resident, highest: resident }
  })
  const timer = setInterval(() => {
    for (const one of watched) one.highest = Math.max(one.highest, memoryOf(one.pid).resident)
  }, SAMPLE_MS)
  await work()
  clearInterval(timer)
  return Object.fromEntries(
    watched.map(({ name, pid, canReset, before, highest }) => [
      name,
      { before, sampled: highest - before, exact: canReset ? memoryOf(pid).highest - before : undefined },
    ]),
  ) as Record<Name, Growth>
}

function report(rounds: Record<string, Growth>[]): void {
  say(`${rounds.length} uploads of 25 MiB, after one of 1 MiB; growth in MB (min / median / max)`)
  for (const name of Object.keys(rounds[0]!)) {
    const all = rounds.map((round) => round[name]!)
    const growth = all.map(({ sampled, exact }) => Math.max(sampled, exact ?? 0) / MB)
    say(
      ` ${name.padEnd(8)} ${show(spread(growth), 'MB', 1)}   first ${growth[0]!.toFixed(1)} MB, ` +
        `median of the rest ${median(growth.slice(1)).toFixed(1)} MB   ${gate(Math.max(...growth), GATE_MB, 'MB')}   ` +
        `(held before: first ${(all[0]!.before / MB).toFixed(0)}, last ${(all.at(-1)!.before / MB).toFixed(0)} MB)`,
    )
  }
}

/** The demo's speech again and again: 16 kHz, 16 bit, mono. */
async function recordingOf(bytes: number): Promise<Buffer> {
  const file = await readFile(join(import.meta.dirname, '../models/demo/session-note.wav'))
  const start = file.indexOf('data') + 8
  const header = Buffer.from(file.subarray(0, start))
  header.writeUInt32LE(start + bytes - 8, 4)
  header.writeUInt32LE(bytes, start - 4)
  const speech = file.subarray(start)
  const samples = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += speech.length) speech.copy(samples, at)
  return Buffer.concat([header, samples])
}

/** A form with its fields first, as fast as the proxy takes it. */
async function upload(baseUrl: string, recording: Buffer): Promise<void> {
  const boundary = 'sotto-bench'
  const field = `--${boundary}\r\nContent-Disposition: form-data; name=`
  const head = Buffer.from(
    `${field}"model"\r\n\r\nsotto-ctc-synthetic-en\r\n` +
      `${field}"file"; filename="recording.wav"\r\nContent-Type: audio/wav\r\n\r\n`,
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const outgoing = request(`${baseUrl}/audio/transcriptions`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + recording.length + tail.length,
    },
  })
  for (const part of [head, recording, tail]) outgoing.write(part)
  outgoing.end()
  await new Promise<void>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      incoming.resume()
      incoming.on('error', reject)
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve()
        else reject(new Error(`the proxy answered ${incoming.statusCode}`))
      })
    })
  })
}
