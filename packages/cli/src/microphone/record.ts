import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { cliError } from '../errors.ts'
import type { Recorder } from './recorders.ts'

/** What is being said. */
export interface Recording {
  /** Raw samples as they come; ends after {@link stop}. @throws `MICROPHONE_FAILED` the program ended before that */
  samples: AsyncIterable<Uint8Array>
  /** Ends it. What was heard so far stays. Safe to call twice. */
  stop(): void
}

/** How long a program may take to end after it was told to. */
const GRACE_MS = 1000
/** What a program says of its failure; more is not looked at. */
const MAX_COMPLAINT = 4096

/** Starts a recorder. It inherits nothing but the environment, and is gone when the recording is over. */
export function record(recorder: Recorder, env: Readonly<Record<string, string | undefined>>): Recording {
  const name = basename(recorder.program)
  const child = spawn(recorder.program, recorder.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...recorder.env },
  })
  let complaint = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT)
  })
  let isStopped = false
  const closed = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
  closed.catch(() => {})
  function stop(): void {
    isStopped = true
    if (!child.kill('SIGTERM')) return
    // One that does not listen, or left another one behind that holds its output, is not waited for.
    setTimeout(() => {
      child.kill('SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
    }, GRACE_MS).unref()
  }
  async function* samples(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of child.stdout) yield chunk as Uint8Array
      const [code] = await closed
      if (!isStopped) throw new Error(`it ended with exit code ${code}`)
    } catch (cause) {
      if (isStopped) return
      const said = complaint.trim().split('\n').at(-1)
      throw cliError('MICROPHONE_FAILED', `${name} does not record`, {
        cause,
        found: said || (cause as Error).message,
        hint: 'is there a microphone, and may this program use it? --device names another one',
      })
    } finally {
      stop()
    }
  }
  return { samples: samples(), stop }
}
