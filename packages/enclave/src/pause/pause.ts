/** Resolves after `ms` milliseconds. It keeps no process alive: one that is done ends without waiting. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
