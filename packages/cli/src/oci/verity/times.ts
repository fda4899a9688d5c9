import type { TarTime } from '@sotto/protocol/oci'

/** What ext4 stores of a moment: seconds in the low 34 bits, nanoseconds above (ext4, "Inode Timestamps"). */
export type FsTime = bigint

/** Seconds of the first moment of Go's calendar, which stands for none. */
const GO_ZERO_SECONDS = -62_135_596_800n
const FIRST = -0x80000000n
const LAST = 0x37fffffffn

/** As the reference stores it; seconds before 1970 fill all the upper bits there. */
export function toFsTime(time: TarTime | undefined): FsTime {
  if (time === undefined) return 0n
  const { seconds, nanoseconds } = time
  if (seconds === GO_ZERO_SECONDS && nanoseconds === 0) return 0n
  if (seconds < FIRST) return 0x80000000n
  if (seconds > LAST) return LAST
  return BigInt.asUintN(64, seconds) | BigInt.asUintN(64, BigInt(nanoseconds) << 34n)
}

/** What the reference takes a stored moment for when it gives it to a folder that nobody named. */
export function inheritTime(stored: FsTime): FsTime {
  if (stored === 0n) return 0n
  let seconds = stored & 0x3ffffffffn
  if (seconds > 0x7fffffffn && seconds < 0x100000000n) seconds = BigInt.asIntN(32, seconds)
  const nanoseconds = stored >> 34n
  return toFsTime({
    seconds: seconds + nanoseconds / 1_000_000_000n,
    nanoseconds: Number(nanoseconds % 1_000_000_000n),
  })
}
