const last = new Map<string, Promise<unknown>>()

/**
 * Runs what shares one thing of this machine one after another within this process, in the order of the calls.
 * What fails holds nobody up. It keeps no other process out.
 *
 * @param thing what is shared, the path of a device
 */
export function inTurn<Result>(thing: string, run: () => Promise<Result>): Promise<Result> {
  const turn = (last.get(thing) ?? Promise.resolve()).then(run)
  const over = turn
    .catch(() => undefined)
    .then(() => {
      if (last.get(thing) === over) last.delete(thing)
    })
  last.set(thing, over)
  return turn
}
