import { encodeMultipart, type MultipartPart } from '@sotto/client/multipart'
import type { CommandContext } from '../framework/index.ts'
import type { Input } from '../input/index.ts'
import { createProgress } from '../terminal/index.ts'
import { secondsOf } from './audio-length.ts'

/** A recording on its way. */
export interface Upload {
  init: RequestInit
  /** How long the recording is, once it left and where its header says so. */
  seconds(): number | undefined
}

/** The recording streams from disk into the encryption; it is never in memory as a whole. */
export function uploadOf(
  context: CommandContext,
  input: Input,
  fields: Record<string, string | undefined>,
): Upload {
  const progress = createProgress({
    sink: context.io.stderr,
    label: `sending ${input.filename}`,
    ...(input.size !== undefined && { total: input.size }),
    quiet: context.global.quiet,
    now: context.io.now,
  })
  context.onExit(() => progress.end())
  let seconds: number | undefined
  let isBegun = false
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (!isBegun) seconds = secondsOf(chunk, input.size)
      isBegun = true
      progress.advance(chunk.length)
      controller.enqueue(chunk)
    },
    flush: () => progress.end(),
  })
  const parts: MultipartPart[] = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  )
  parts.push({
    name: 'file',
    // The real name may say whose voice this is, and the service has no use for it.
    filename: `recording${/\.[a-z0-9]{1,5}$/i.exec(input.filename)?.[0] ?? ''}`,
    type: 'application/octet-stream',
    size: input.size,
    stream: () => input.stream().pipeThrough(counted),
  })
  const form = encodeMultipart(parts)
  const headers = { 'content-type': form.contentType }
  const body = form.stream() as unknown as BodyInit
  return { init: { method: 'POST', headers, body, signal: context.signal }, seconds: () => seconds }
}
