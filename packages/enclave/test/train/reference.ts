import { getLlama, type LlamaModel, LlamaLogLevel } from 'node-llama-cpp'

/** A model in llama.cpp, for what it says of tokens. */
export interface Reference {
  readonly model: LlamaModel
  /**
   * Mean negative log-probability of each token from the second on, in nats: computed in f32 throughout, where the engine
   * keeps keys and values in f16.
   */
  loss(tokens: readonly number[], lora?: string): Promise<number>
  close(): Promise<void>
}

let library: ReturnType<typeof getLlama> | undefined

/** Opens a file. */
export async function openReference(modelPath: string): Promise<Reference> {
  library ??= getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    progressLogs: false,
    maxThreads: 1,
  })
  const model = await (await library).loadModel({ modelPath, gpuLayers: 0 })
  return {
    model,
    loss: async (tokens, lora) => {
      const context = await model.createContext({
        contextSize: 256,
        threads: 1,
        flashAttention: false,
        experimentalKvCacheKeyType: 'F32',
        experimentalKvCacheValueType: 'F32',
        ...(lora !== undefined && { lora }),
      })
      const inputs = tokens.slice(0, -1).map((token, at) => {
        const filter = { tokens: [tokens[at + 1]!], includeTop: 1 }
        return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }] as const
      })
      const evaluated = await context
        .getSequence()
        .controlledEvaluate(
          inputs as unknown as Parameters<ReturnType<typeof context.getSequence>['controlledEvaluate']>[0],
        )
      let total = 0
      for (const [at, found] of evaluated.entries()) {
        const { logits, totalLogitWeight } = found!.next
        const highest = Math.max(...logits!.values())
        total -= logits!.get(tokens[at + 1]! as never)! - highest - Math.log(totalLogitWeight!)
      }
      await context.dispose()
      return total / evaluated.length
    },
    close: () => model.dispose(),
  }
}
