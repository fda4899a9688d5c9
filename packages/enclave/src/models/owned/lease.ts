import type { ServedModel } from '../../api/index.ts'

/** Somebody uses a model until the function it gets is called. @throws why it must not begin */
export type Hold = () => () => void

/**
 * The same model, held by whoever uses it: from the first byte asked of an answer to its last. A model that is held is not
 * put away under anybody's hands.
 */
export function heldModel(model: ServedModel, hold: Hold): ServedModel {
  const { transcribe, generate, summarize, embed, infer } = model

  async function* held<T>(events: () => AsyncIterable<T>): AsyncGenerator<T, void> {
    const release = hold()
    try {
      yield* events()
    } finally {
      release()
    }
  }
  async function whole<T>(answer: () => Promise<T>): Promise<T> {
    const release = hold()
    try {
      return await answer()
    } finally {
      release()
    }
  }

  return {
    ...model,
    ...(transcribe && {
      transcribe: (file, params, signal) => held(() => transcribe(file, params, signal)),
    }),
    ...(generate && { generate: (request, signal) => held(() => generate(request, signal)) }),
    ...(summarize && { summarize: (request, signal) => held(() => summarize(request, signal)) }),
    ...(embed && { embed: (request, signal) => whole(() => embed(request, signal)) }),
    ...(infer && { infer: (request, signal) => whole(() => infer(request, signal)) }),
  }
}
