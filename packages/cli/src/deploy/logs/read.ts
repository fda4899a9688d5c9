import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Of each file at most this much is looked at. */
const TAIL_BYTES = 1024 * 1024
const FOLLOW_MS = 250

/** A line of one role's file. */
export interface LogLine {
  role: string
  line: string
}

/** Where to go on in each file: where a line begins. */
export type Places = Map<string, number>

/** The newest lines of these roles together, oldest first; of all roles where none are named. A line that is still written is none. */
export async function lastLines(
  folder: string,
  roles: readonly string[] | undefined,
  count: number,
): Promise<{ lines: LogLine[]; places: Places; roles: string[] }> {
  const places: Places = new Map()
  const lines: (LogLine & { time: string })[] = []
  const files = (await readdir(folder).catch(() => [])).sort()
  for (const file of files) {
    const [, role] = /^([a-z][a-z0-9-]{0,31})\.log$/.exec(file) ?? []
    // `up` and `deploy` say what they say to people.
    if (role === undefined || role === 'up' || (roles !== undefined && !roles.includes(role))) continue
    const { bytes, start } = await readFrom(join(folder, file), -TAIL_BYTES)
    const { whole, rest } = splitLines(bytes)
    places.set(role, start + bytes.length - rest.length)
    // What begins before the first byte that was read is no line.
    let time = ''
    for (const line of start > 0 ? whole.slice(1) : whole) {
      // Events begin with their time; what is none stays behind the event before it.
      time = /^\{"time":"([^"]{1,32})"/.exec(line)?.[1] ?? time
      if (line !== '') lines.push({ role, line, time })
    }
  }
  // A sort that keeps the order of equals puts the files together.
  lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  return {
    lines: lines.slice(-count).map(({ role, line }) => ({ role, line })),
    places,
    roles: [...places.keys()],
  }
}

/** Tells lines as they are written, until `signal` is aborted. A file that was cut is read from its start. */
export async function followLines(
  folder: string,
  places: Places,
  onLine: (role: string, line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const [role, place] of places) {
      const { bytes, start } = await readFrom(join(folder, `${role}.log`), place)
      const { whole, rest } = splitLines(bytes)
      // A line without end is no event, and must not be waited for.
      const isEndless = whole.length === 0 && rest.length === TAIL_BYTES
      places.set(role, start + bytes.length - (isEndless ? 0 : rest.length))
      for (const line of isEndless ? [rest.toString('utf8')] : whole) if (line !== '') onLine(role, line)
    }
    await pause(signal)
  }
}

/** Bytes from a place, or from so far before the end; from the start of a file that has become shorter. */
async function readFrom(path: string, place: number): Promise<{ bytes: Buffer; start: number }> {
  const file = await open(path).catch(() => undefined)
  // One that is gone begins anew when it is back.
  if (file === undefined) return { bytes: Buffer.alloc(0), start: 0 }
  try {
    const { size } = await file.stat()
    const start = place < 0 ? Math.max(0, size + place) : place <= size ? place : 0
    const buffer = Buffer.alloc(Math.min(size - start, TAIL_BYTES))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
    return { bytes: buffer.subarray(0, bytesRead), start }
  } finally {
    await file.close()
  }
}

function splitLines(bytes: Buffer): { whole: string[]; rest: Buffer } {
  const end = bytes.lastIndexOf(0x0a) + 1
  const whole = end === 0 ? [] : bytes.toString('utf8', 0, end - 1).split('\n')
  return { whole, rest: bytes.subarray(end) }
}

function pause(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => {
    const timer = setTimeout(end, FOLLOW_MS)
    signal.addEventListener('abort', end, { once: true })
    function end(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      done()
    }
  })
}
