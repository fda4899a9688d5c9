/** Entry point of the thread that decodes one recording and ends. Its host is `decode-audio.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { SottoError } from '@sotto/protocol/errors'
import { decodeAudioHere } from '../decode-here.ts'
import { isAudioErrorCode } from '../errors.ts'
import type { DecoderFailure, DecoderStart, FromDecoder, ToDecoder } from './messages.ts'

const port = parentPort!
const { limits } = workerData as DecoderStart
let answer: (message: ToDecoder) => void = () => {}

port.on('message', (message: ToDecoder) => answer(message))

/** Says something and waits for the one answer. */
function ask(message: FromDecoder, transfer: ArrayBuffer[] = []): Promise<ToDecoder> {
  return new Promise((resolve) => {
    answer = resolve
    port.postMessage(message, transfer)
  })
}

async function* bytesFromHost(): AsyncGenerator<Uint8Array> {
  for (;;) {
    const message = await ask({ type: 'need' })
    if (message.type !== 'bytes') return
    yield message.bytes
  }
}

async function run(): Promise<FromDecoder> {
  const blocks = decodeAudioHere(bytesFromHost(), limits)
  for (;;) {
    const { done, value } = await blocks.next()
    if (done) return { type: 'done', info: value }
    await ask({ type: 'block', samples: value }, [value.buffer as ArrayBuffer])
  }
}

function failure(error: unknown): DecoderFailure {
  if (error instanceof SottoError && isAudioErrorCode(error.code)) {
    const { code, action, message, expected, found, hint } = error
    return { code, action, message, expected, found, hint }
  }
  // Anything else is a decoder choking on the file; its words may quote the file.
  return {
    code: 'AUDIO_MALFORMED',
    action: 'fix-input',
    message: 'the decoder could not make sense of the file',
    expected: undefined,
    found: undefined,
    hint: undefined,
  }
}

port.postMessage(
  await run().catch((error: unknown): FromDecoder => ({ type: 'failed', error: failure(error) })),
)
port.close()
