import type { OutgoingMessage } from 'node:http'
import { MAX_TIMER_MS, type Pace, type PaceLimits, startPace } from '../limits/pace.ts'

/** How a body is sent. */
export interface WriteBodyOptions {
  /**
   * Decides the head, before the first byte of the body. `length` is given when all of the body is there
   * already; else the head leaves now if it has to.
   */
  begin(length: number | undefined): void
  /** Look whether the whole body is there at once; pointless where its length is declared. Default true. */
  lookAhead?: boolean
  /** How slow a receiver may be: who is slower is cut. Default: as slow as it likes. */
  receiver?: ReceiverLimits
}

/** How slow a receiver may be. */
export interface ReceiverLimits extends PaceLimits {
  /** Longest time in which it takes nothing, milliseconds. */
  stallMs: number
}

/**
 * Sends a body chunk by chunk as it is produced, never faster than the receiver takes it, and ends the
 * message after a clean end only. What is there at once leaves with the head, in one write: each write
 * of its own would wake every process on the way once more.
 * @throws what the body throws; an error when the receiver has left
 */
export async function writeBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  outgoing: OutgoingMessage,
  options: WriteBodyOptions,
): Promise<void> {
  const { begin, lookAhead = true, receiver } = options
  const pace = receiver && { ...startPace(receiver), stallMs: receiver.stallMs }
  let next = reader.read()
  const first = lookAhead ? await readNow(next) : undefined
  if (first === undefined) begin(undefined)
  else if (first.done) begin(0)
  else {
    next = reader.read()
    const isWhole = (await readNow(next))?.done === true
    begin(isWhole ? first.value.length : undefined)
    if (isWhole) return endWith(outgoing, first.value, pace)
    await write(first.value, outgoing, pace)
  }
  for (let chunk = await next; !chunk.done; chunk = await reader.read())
    await write(chunk.value, outgoing, pace)
  endWith(outgoing, undefined, pace)
}

/** What the read gives within this turn of the event loop; `undefined` when it has to wait. */
function readNow<T>(read: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const turn = setImmediate(resolve, undefined)
    read.then((value) => {
      clearImmediate(turn)
      resolve(value)
    }, reject)
  })
}

/** What a receiver took, and how long it was waited for. */
type ReceiverPace = Pace & Pick<ReceiverLimits, 'stallMs'>

async function write(
  chunk: Uint8Array,
  outgoing: OutgoingMessage,
  pace: ReceiverPace | undefined,
): Promise<void> {
  if (outgoing.destroyed) throw new Error('the receiver left')
  pace?.count(chunk.length)
  if (outgoing.write(chunk)) return
  const stop = pace && holdToPace(outgoing, pace)
  try {
    await drained(outgoing)
  } finally {
    stop?.()
  }
}

/** Cuts a receiver that is too slow while it is waited for; call the result once it has taken what there was. */
function holdToPace(outgoing: OutgoingMessage, pace: ReceiverPace): () => void {
  const since = performance.now()
  const { socket } = outgoing
  socket?.setTimeout(pace.stallMs)
  const timer = cutWhenLate(outgoing, pace)
  return () => {
    clearTimeout(timer)
    socket?.setTimeout(0)
    pace.waited(performance.now() - since)
  }
}

/** Cuts a receiver that has not taken all there is by the time that its pace allows. */
function cutWhenLate(outgoing: OutgoingMessage, pace: ReceiverPace): NodeJS.Timeout | undefined {
  const leftMs = pace.leftMs()
  return leftMs < MAX_TIMER_MS ? setTimeout(() => outgoing.destroy(), Math.max(0, leftMs)) : undefined
}

function drained(outgoing: OutgoingMessage): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const onDrain = (): void => {
      outgoing.off('close', onClose)
      resolve()
    }
    const onClose = (): void => {
      outgoing.off('drain', onDrain)
      reject(new Error('the receiver left'))
    }
    outgoing.once('drain', onDrain)
    outgoing.once('close', onClose)
  })
}

function endWith(
  outgoing: OutgoingMessage,
  last: Uint8Array | undefined,
  pace: ReceiverPace | undefined,
): void {
  if (outgoing.destroyed) throw new Error('the receiver left')
  if (last === undefined) outgoing.end()
  else outgoing.end(last)
  if (pace === undefined || outgoing.writableLength === 0) return
  pace.count(last?.length ?? 0)
  // An answer in line behind another one has no socket yet: its receiver is not waited for.
  if (outgoing.socket === null) outgoing.once('socket', () => holdToEnd(outgoing, pace))
  else holdToEnd(outgoing, pace)
}

/** The receiver still has to take what is buffered. */
function holdToEnd(outgoing: OutgoingMessage, pace: ReceiverPace): void {
  // Not undone at the end: from there on the timeout is the server's, between two requests.
  outgoing.socket?.setTimeout(pace.stallMs)
  const timer = cutWhenLate(outgoing, pace)
  outgoing.once('close', () => clearTimeout(timer))
}
