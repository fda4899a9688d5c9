/** Questions at once: any member can propose as many contracts as a board holds. */
const AT_ONCE = 4

/**
 * Asks about each of these, four at once at most. Where one question fails, no further one is asked.
 * @returns the answers, in the order of the items
 * @throws what the first question that fails throws
 */
export async function fewAtOnce<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  // Whoever leaves the loop ends it for all: a generator is over then, which an iterator of an array is not.
  const rest = (function* () {
    yield* items.entries()
  })()
  async function askOn(): Promise<void> {
    for (const [at, item] of rest) answers[at] = await ask(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, askOn))
  return answers
}
