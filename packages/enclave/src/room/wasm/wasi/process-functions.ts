import { costOfBytes, type WasiContext, type WasiFunctions } from './context.ts'
import { ERRNO, ensure, WasiError } from './errno.ts'
import type { GuestMemory } from './guest-memory.ts'

/** What a module ends itself with. */
export class ModuleExit extends Error {
  readonly status: number

  constructor(status: number) {
    super('the module ended')
    this.status = status
  }
}

/** Nanoseconds between two times of the clock, which never moves. */
const RESOLUTION = 1_000_000_000n
/** Realtime, monotonic, and time of the process and of the thread. */
const CLOCKS = 4
/** Bytes of a `subscription`, of an `event`, and subscriptions of one call at most. */
const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const MAX_SUBSCRIPTIONS = 1024
/** Bytes that SHA-256 makes cost more than those that are copied. */
const RANDOM_COST = 32

/** Functions about the program itself: its arguments, its clock, its chance, its end. */
export function processFunctions({ memory, args, time, random, pay }: WasiContext): WasiFunctions {
  return {
    args_sizes_get: (count: number, size: number): void => writeSizes(memory, args, count, size),
    args_get(pointers: number, buffer: number): void {
      let at = buffer >>> 0
      for (const [index, arg] of args.entries()) {
        const into = memory.bytes(at, arg.length + 1)
        memory.setU32((pointers >>> 0) + 4 * index, at)
        into.set(arg)
        into[arg.length] = 0
        at += arg.length + 1
      }
    },
    environ_sizes_get: (count: number, size: number): void => writeSizes(memory, [], count, size),
    environ_get: (): void => {},

    clock_res_get(clock: number, result: number): void {
      ensure(clock >>> 0 < CLOCKS, ERRNO.inval)
      memory.setU64(result, RESOLUTION)
    },
    clock_time_get(clock: number, _precision: bigint, result: number): void {
      ensure(clock >>> 0 < CLOCKS, ERRNO.inval)
      memory.setU64(result, time)
    },

    random_get(pointer: number, length: number): void {
      const into = memory.bytes(pointer, length)
      pay(RANDOM_COST * costOfBytes(into.length))
      random.fill(into)
    },

    /** Everything has happened already: no clock is waited for, and every file is ready. */
    poll_oneoff(subscriptions: number, events: number, count: number, result: number): void {
      const total = count >>> 0
      ensure(total > 0 && total <= MAX_SUBSCRIPTIONS, ERRNO.inval)
      const asked = memory.bytes(subscriptions, total * SUBSCRIPTION_BYTES).slice()
      const answer = memory.bytes(events, total * EVENT_BYTES)
      memory.setU32(result, total)
      answer.fill(0)
      for (let index = 0; index < total; index++) {
        const from = index * SUBSCRIPTION_BYTES
        // Of whom the subscription is, and what it waits for.
        answer.set(asked.subarray(from, from + 8), index * EVENT_BYTES)
        answer[index * EVENT_BYTES + 10] = asked[from + 8]!
      }
    },

    sched_yield: (): void => {},
    proc_exit(status: number): void {
      throw new ModuleExit(status)
    },
    proc_raise: (): never => {
      throw new WasiError(ERRNO.nosys)
    },
    sock_accept: refuse,
    sock_recv: refuse,
    sock_send: refuse,
    sock_shutdown: refuse,
  }
}

function refuse(): never {
  throw new WasiError(ERRNO.notsock)
}

function writeSizes(memory: GuestMemory, list: readonly Uint8Array[], count: number, size: number): void {
  memory.setU32(count, list.length)
  memory.setU32(
    size,
    list.reduce((sum, one) => sum + one.length + 1, 0),
  )
}
