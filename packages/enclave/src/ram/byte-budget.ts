/** Memory that several share. */
export interface ByteBudget {
  /** Takes bytes before they are allocated; call the answer to give them back, once. @throws what says that it is full */
  take(bytes: number): () => void
}

/** `limit` bytes at once, of which nobody can take more than are left; `full` makes the error that says so. */
export function createByteBudget(limit: number, full: () => Error): ByteBudget {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > limit) throw full()
      taken += bytes
      let left = bytes
      return () => {
        taken -= left
        left = 0
      }
    },
  }
}
