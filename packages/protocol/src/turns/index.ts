/** Runs pieces of work of one name one after the other, in the order of the calls; those of two names do not wait for each other. */
export type Turns = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Makes {@link Turns} within this process: what fails holds nobody up, and nothing is kept of a name for which nobody waits. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return (name, work) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(work)
    const over = turn.then(ignore, ignore)
    last.set(name, over)
    void over.then(() => {
      if (last.get(name) === over) last.delete(name)
    })
    return turn
  }
}

function ignore(): void {}
