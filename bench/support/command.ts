import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** The built command as a process. */
export interface RunningCommand {
  pid: number
  /** When each line came, milliseconds from the start, from both streams. */
  lines: { ms: number; text: string }[]
  /** Resolves with the first line that matches. Rejects when the command ends before. */
  line(pattern: RegExp): Promise<{ ms: number; text: string }>
  /** Exit code and duration. */
  ended: Promise<{ code: number | null; ms: number }>
  /** Interrupts it like Ctrl-C and waits. */
  stop(): Promise<void>
}

/** Spawns `sotto …` in a folder, with an environment of its own. */
export function runCommand(command: string, args: string[], cwd: string): RunningCommand {
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, ['--max-semi-space-size=1', command, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: RunningCommand['lines'] = []
  let wake = Promise.withResolvers<void>()
  const notify = (): void => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', (text) => {
      lines.push({ ms: performance.now() - started, text })
      notify()
    })
  let isOver = false
  const ended = new Promise<{ code: number | null; ms: number }>((resolve) => {
    child.once('close', (code) => {
      isOver = true
      resolve({ code, ms: performance.now() - started })
      notify()
    })
  })
  return {
    pid: child.pid!,
    lines,
    ended,
    async line(pattern) {
      for (;;) {
        const found = lines.find(({ text }) => pattern.test(text))
        if (found) return found
        if (isOver)
          throw new Error(`sotto ${args.join(' ')} ended: ${lines.map(({ text }) => text).join(' | ')}`)
        await wake.promise
      }
    },
    async stop() {
      if (!isOver) child.kill('SIGINT')
      await ended
    },
  }
}
