/**
 * Starts something beside work that does not wait for it, and may begin long before. What is ended while it starts has not
 * failed.
 * @param work goes on until the role ends
 * @throws what `start` throws while the role goes on, at once, and what `work` throws
 */
export async function startBeside(
  start: () => Promise<void>,
  work: () => Promise<void>,
  isEnding: () => boolean,
): Promise<void> {
  const started = start().catch((error: unknown) => {
    if (!isEnding()) throw error
  })
  await Promise.all([started, work()])
}
