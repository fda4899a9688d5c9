import type { LiveEvent, Sotto } from '@sotto/client'
import { type WavLayout, wavLayoutOf } from '../../audio/wav.ts'

const HEAD_BYTES = 65_536
/** What the client takes as raw samples. */
const MIN_RATE = 1000
const MAX_RATE = 192_000

/** What is asked of the service. */
export interface Asked {
  /** Undefined: the service chooses. */
  model: string | undefined
  language: string | undefined
}

/**
 * Sends a recording while the service hears it. Leaving the loop, or the signal, ends both.
 *
 * @param onSent how many bytes have left
 */
export async function* hear(
  sotto: Pick<Sotto, 'transcribeLive'>,
  file: Blob,
  { model, language }: Asked,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent, void> {
  let sent = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform(piece, to) {
        to.enqueue(piece)
        sent += piece.length
        onSent(sent)
      },
    },
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  )
  const layout = await plainSamples(file)
  const samples = layout && file.slice(layout.start, layout.start + layout.bytes)
  const live = sotto.transcribeLive((samples ?? file).stream().pipeThrough(counted), {
    ...(layout && { sampleRate: layout.rate }),
    ...(model !== undefined && { model }),
    ...(language !== undefined && { language }),
    signal,
  })
  yield* live
  // As of every answer: without receipts that hold it is not said to be done.
  await live.receipts()
}

/**
 * Samples without a header may go on in another exchange, which a file cannot: each ends after half an hour, however
 * slowly a model hears. Only of a file that is whole: the service refuses the others.
 */
async function plainSamples(file: Blob): Promise<WavLayout | undefined> {
  const layout = wavLayoutOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()))
  if (layout === undefined) return undefined
  const { channels, bits, rate, start, bytes } = layout
  const isPlain = channels === 1 && bits === 16 && rate >= MIN_RATE && rate <= MAX_RATE
  return isPlain && bytes % 2 === 0 && bytes > 0 && start + bytes <= file.size ? layout : undefined
}
