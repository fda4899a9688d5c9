export const MIB = 1024 * 1024
const URL = 'https://inference.sotto/v1/audio/transcriptions'

export type Part = [name: string, value: string | Uint8Array]

/** A form with its parts in this order, in pieces of this size. */
export function form(parts: readonly Part[], { piece = 65_536, type = '', end = true } = {}): Request {
  const bytes: Uint8Array[] = []
  for (const [name, value] of parts) {
    const file = typeof value === 'string' ? '' : '; filename="a.wav"'
    bytes.push(Buffer.from(`--B\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`))
    bytes.push(Buffer.from(value), Buffer.from('\r\n'))
  }
  if (end) bytes.push(Buffer.from('--B--\r\n'))
  const whole = Buffer.concat(bytes)
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < whole.length) controller.enqueue(whole.subarray(at, (at += piece)))
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return post(body, type)
}

function post(body: ReadableStream<Uint8Array>, type = '', signal?: AbortSignal): Request {
  const headers = { 'content-type': `multipart/form-data${type}; boundary=B` }
  const init = { method: 'POST', headers, body, duplex: 'half', ...(signal && { signal }) }
  return new Request(URL, init as RequestInit)
}

/** A sender who writes the beginning of a large file and then waits. */
export function stalled(bytes: number, signal?: AbortSignal) {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const state = { isCancelled: false }
  const body = new ReadableStream<Uint8Array>({
    start: (c) => void (controller = c),
    cancel: () => void (state.isCancelled = true),
  })
  controller.enqueue(Buffer.from('--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'))
  controller.enqueue(new Uint8Array(bytes))
  return { request: post(body, '', signal), state, fail: () => controller.error(new Error('cut')) }
}
