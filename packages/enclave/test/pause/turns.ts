import { onTestFinished, vi } from 'vitest'

/**
 * Others in this process, and a clock by which every look at it takes three milliseconds: whoever gives way by it does so
 * at each third piece, however fast the machine is.
 */
export function watchTurns(): { others: () => number; onTurn: (told: (turn: number) => void) => void } {
  let at = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (at += 3))
  let turn = 0
  let told: (turn: number) => void = () => undefined
  const next = (): void => {
    told(++turn)
    turning = setImmediate(next)
  }
  let turning = setImmediate(next)
  onTestFinished(() => {
    clearImmediate(turning)
    clock.mockRestore()
  })
  return {
    others: () => turn,
    onTurn(listener) {
      told = listener
    },
  }
}
