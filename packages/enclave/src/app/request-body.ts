import type { ClientRequest } from 'node:http'
import type { ByteBudget } from '../ram/byte-budget.ts'
import { GrowingBytes } from '../ram/growing-bytes.ts'

/**
 * A request of up to this many bytes goes on when it is whole, with its length: small servers understand nothing else. Of a
 * longer one the app gets what has come, and no end until it has come.
 */
const HELD_BYTES = 2 ** 20

/** How the content of a request goes on. */
export interface OutgoingBody {
  /** What says how long it is. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether all of it is here, so that it can be sent again. */
  readonly isWhole: boolean
  /** Sends it. Rejects when it is cut, with the request destroyed: it then has no end. */
  send(outgoing: ClientRequest): Promise<void>
  /** Gives the memory back. Idempotent. */
  release(): void
  /** The same where nobody wants what is left of it; whoever sends it is not waited for. Idempotent. */
  cancel(): void
}

/**
 * Reads a request until it is whole or longer than {@link HELD_BYTES}.
 * @param budget memory of all of them together; without any left a request goes on in pieces at once
 * @throws what the body throws
 */
export async function prepareBody(
  body: ReadableStream<Uint8Array> | null,
  budget: ByteBudget,
): Promise<OutgoingBody> {
  if (body === null)
    return { headers: {}, isWhole: true, send: async (to) => void to.end(), release() {}, cancel() {} }
  const reader = body.getReader()
  const releases: (() => void)[] = []
  const release = (): void => {
    for (const each of releases.splice(0)) each()
  }
  const held = new GrowingBytes(HELD_BYTES, (bytes) => releases.push(budget.take(bytes)))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return whole(held.bytes(), release)
      if (!hold(held, value)) return inPieces([held.bytes(), value], reader, release)
    }
  } catch (error) {
    release()
    throw error
  }
}

/** False where there is no room for it: then nothing of it is held. */
function hold(held: GrowingBytes, piece: Uint8Array): boolean {
  if (held.length + piece.length > HELD_BYTES) return false
  try {
    held.add(piece)
    return true
  } catch {
    return false
  }
}

/** In one write with its head: each write of its own would wake every process on the way once more. */
function whole(bytes: Uint8Array, release: () => void): OutgoingBody {
  return {
    headers: { 'content-length': `${bytes.length}` },
    isWhole: true,
    release,
    cancel: release,
    send: async (outgoing) => void outgoing.end(bytes),
  }
}

function inPieces(
  first: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
  release: () => void,
): OutgoingBody {
  function cancel(): void {
    first.length = 0
    release()
    // Whoever reads it for nobody would go on for as long as it comes.
    void reader.cancel().catch(() => undefined)
  }
  return {
    headers: { 'transfer-encoding': 'chunked' },
    isWhole: false,
    release,
    cancel,
    async send(outgoing) {
      try {
        for (const piece of first.splice(0)) if (piece.length > 0) await write(outgoing, piece)
        release()
        for (let next = await reader.read(); !next.done; next = await reader.read())
          await write(outgoing, next.value)
        // A body that is cancelled ends too, and not because it is whole.
        if (outgoing.destroyed) throw new Error('the app left')
        outgoing.end()
      } catch (error) {
        outgoing.destroy(error as Error)
        cancel()
        throw error
      } finally {
        release()
      }
    },
  }
}

/** At the pace of the app. */
async function write(outgoing: ClientRequest, piece: Uint8Array): Promise<void> {
  if (outgoing.destroyed) throw new Error('the app left')
  if (outgoing.write(piece)) return
  await new Promise<void>((resolve, reject) => {
    const onDrain = (): void => {
      outgoing.off('close', onClose)
      resolve()
    }
    const onClose = (): void => {
      outgoing.off('drain', onDrain)
      reject(new Error('the app left'))
    }
    outgoing.once('drain', onDrain)
    outgoing.once('close', onClose)
  })
}
