import type { OutgoingMessage } from 'node:http'

/** How a body is sent. */
export interface WriteBodyOptions {
  /**
   * Decides the head, before the first byte of the body. `length` is given when all of the body is there
   * already; else the head leaves now if it has to.
   */
  begin(length: number | undefined): void
  /** Look whether the whole body is there at once; pointless where its length is declared. Default true. */
  lookAhead?: boolean
  /** A receiver that takes nothing for this long is cut. Default: never. */
  stallMs?: number
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
  const { begin, lookAhead = true, stallMs } = options
  let next = reader.read()
  const first = lookAhead ? await readNow(next) : undefined
  if (first === undefined) begin(undefined)
  else if (first.done) begin(0)
  else {
    next = reader.read()
    const isWhole = (await readNow(next))?.done === true
    begin(isWhole ? first.value.length : undefined)
    if (isWhole) return endWith(outgoing, first.value, stallMs)
    await write(first.value, outgoing, stallMs)
  }
  for (let chunk = await next; !chunk.done; chunk = await reader.read())
    await write(chunk.value, outgoing, stallMs)
  endWith(outgoing, undefined, stallMs)
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

async function write(
  chunk: Uint8Array,
  outgoing: OutgoingMessage,
  stallMs: number | undefined,
): Promise<void> {
  if (outgoing.destroyed) throw new Error('the receiver left')
  if (outgoing.write(chunk)) return
  const { socket } = outgoing
  if (stallMs !== undefined) socket?.setTimeout(stallMs)
  await new Promise<void>((resolve, reject) => {
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
  if (stallMs !== undefined) socket?.setTimeout(0)
}

function endWith(outgoing: OutgoingMessage, last: Uint8Array | undefined, stallMs: number | undefined): void {
  if (outgoing.destroyed) throw new Error('the receiver left')
  if (last === undefined) outgoing.end()
  else outgoing.end(last)
  // The receiver still has to take what is buffered.
  if (stallMs !== undefined && outgoing.writableLength > 0) outgoing.socket?.setTimeout(stallMs)
}
