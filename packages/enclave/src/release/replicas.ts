/**
 * Asks replicas of one service in turn, beginning with the one that answered last. Which of them answers changes nothing
 * that is trusted: what they say is verified by whoever asked.
 *
 * @param urls at least one
 */
export function askReplicas(
  urls: readonly string[],
): <T>(ask: (url: string) => Promise<T>, isForAnother: (error: unknown) => boolean) => Promise<T> {
  let preferred = 0
  return async (ask, isForAnother) => {
    let failure: unknown
    for (let attempt = 0; attempt < urls.length; attempt++) {
      const index = (preferred + attempt) % urls.length
      try {
        const answer = await ask(urls[index]!)
        preferred = index
        return answer
      } catch (error) {
        failure = error
        if (isForAnother(error)) continue
        preferred = index
        break
      }
    }
    throw failure
  }
}
