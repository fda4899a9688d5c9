import type { Sotto } from '../types.ts'
import type { LiveTranscription } from './types.ts'

/** `Sotto.transcribeLive`, whose code is loaded once somebody listens. */
export function liveTranscriber(
  sotto: Pick<Sotto, 'baseURL' | 'fetchLive' | 'receiptOf'>,
): Sotto['transcribeLive'] {
  return (audio, options) => {
    let loading: Promise<LiveTranscription> | undefined
    const live = (): Promise<LiveTranscription> => {
      loading ??= import('./transcribe-live.ts').then(({ transcribeLive }) =>
        transcribeLive(sotto, audio, options),
      )
      return loading
    }
    return {
      async *[Symbol.asyncIterator]() {
        yield* await live()
      },
      receipt: async () => (await live()).receipt(),
      receipts: async () => (await live()).receipts(),
    }
  }
}
