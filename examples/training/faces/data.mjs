/** Synthetic descriptions of faces at two doors, the same for the same seed. Each camera sees some places of them badly. */
import { createRandom } from '../../rooms/driver/random.mjs'

/** Numbers of a description, as a network makes them of a picture. */
export const PLACES = 16
/** How far two descriptions are apart in each place: columns that a model reads, as `match.yaml` has them. */
export const COLUMNS = Array.from({ length: PLACES }, (_, at) => `d${at + 1}`)
const MAX_DISTANCE = 4
/** Places that each camera sees badly. */
const BAD = { north: [0, 8], south: [8, 16] }
const CLEAR = 0.35
const BLURRED = 2

/**
 * @param {{rows: number, seed: string}} options `rows`: pairs of both doors together
 */
export function generate({ rows, seed }) {
  const random = createRandom(`faces that are told apart ${seed}`)
  const doors = Object.keys(BAD)
  const canaries = Object.fromEntries(doors.map((door) => [door, [`Philippa-${random.hex(16)}`]]))
  const each = Math.floor(rows / doors.length)
  const pairs = Object.fromEntries(
    doors.map((door) => {
      const made = Array.from({ length: each }, () => pairOf(random, door))
      made[0].person = canaries[door][0]
      return [door, made]
    }),
  )
  const next = Array.from({ length: each }, () => pairOf(random, random.pick(doors)))
  return { canaries, pairs, next }
}

/** Two pictures of a person, or one of them and one of somebody whom nobody has to protect. */
function pairOf(random, door) {
  const face = faceOf(random)
  const same = random.chance(0.5)
  const first = pictureOf(random, face, door)
  const second = pictureOf(random, same ? face : faceOf(random), door)
  const distances = COLUMNS.map((column, at) => [
    column,
    Number(Math.min(MAX_DISTANCE, Math.abs(first[at] - second[at])).toFixed(3)),
  ])
  return { person: `${door[0]}${random.hex(12)}`, door, ...Object.fromEntries(distances), same }
}

const faceOf = (random) => COLUMNS.map(() => normal(random))

function pictureOf(random, face, door) {
  const [from, until] = BAD[door]
  return face.map((value, at) => value + normal(random) * (at >= from && at < until ? BLURRED : CLEAR))
}

/** Nearly normal, of deviation 1: the sum of twelve that are the same everywhere. */
function normal(random) {
  let sum = -6
  for (let at = 0; at < 12; at++) sum += random.integer(0, 1_000_000) / 1e6
  return sum
}

/** Without any training: the nearer, the more alike. */
export function likeness(pair) {
  return -COLUMNS.reduce((sum, column) => sum + pair[column] ** 2, 0)
}
