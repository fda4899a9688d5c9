import type { Digest } from '@sotto/protocol/keyrelease'
import type { ModelUsage } from '@sotto/protocol/usage'

/** What one model did, and how many answers that are complete its amounts come from. */
export interface ModelCounts extends ModelUsage {
  answers: number
}

/** What one answer adds. */
export type Amounts = Partial<Omit<ModelCounts, 'model'>>

/** Counts of this boot, in memory, by model: nothing about who asked, what, or when. */
export interface UsageLedger {
  add(model: Digest, amounts: Amounts): void
  /** A copy, ordered by digest. */
  totals(): ModelCounts[]
}

/** Makes an empty {@link UsageLedger}. */
export function createUsageLedger(): UsageLedger {
  const models = new Map<Digest, ModelCounts>()
  return {
    add(model, amounts) {
      const before = models.get(model) ?? {
        model,
        requests: 0,
        audioSeconds: 0,
        inputTokens: 0,
        outputTokens: 0,
        answers: 0,
      }
      models.set(model, {
        model,
        requests: before.requests + (amounts.requests ?? 0),
        audioSeconds: before.audioSeconds + (amounts.audioSeconds ?? 0),
        inputTokens: before.inputTokens + (amounts.inputTokens ?? 0),
        outputTokens: before.outputTokens + (amounts.outputTokens ?? 0),
        answers: before.answers + (amounts.answers ?? 0),
      })
    },
    totals: () => [...models.values()].toSorted((a, b) => (a.model < b.model ? -1 : 1)),
  }
}
