import { roomTrainError } from '../errors.ts'

/** What an optimiser remembers of each weight, from zero. */
export class Memory {
  readonly slots: readonly Float32Array[]

  constructor(sizes: readonly number[]) {
    this.slots = sizes.map((size) => new Float32Array(size))
  }

  copy(): Float32Array[] {
    return this.slots.map((slot) => slot.slice())
  }

  /** @throws `ROOM_TRAIN_CHECKPOINT` */
  restore(state: readonly Float32Array[]): void {
    if (
      state.length !== this.slots.length ||
      state.some(({ length }, at) => length !== this.slots[at]!.length)
    )
      throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'the state is of another optimiser')
    for (const [at, slot] of this.slots.entries()) slot.set(state[at]!)
  }
}
