/** Synthetic patients of a hospital and a laboratory, the same for the same seed. Neither knows what the other one measures. */
import { createRandom } from '../../rooms/driver/random.mjs'

/** Columns that a model reads, as `diagnosis.yaml` has them. */
export const AT_HOSPITAL = [
  { column: 'age', min: 18, max: 99 },
  { column: 'pressure', min: 80, max: 200 },
  { column: 'smoker', values: ['false', 'true'] },
]
export const AT_LABORATORY = [
  { column: 'marker_a', min: 0, max: 100 },
  { column: 'marker_b', min: 0, max: 100 },
]
/** Of the patients of the hospital, those whom the laboratory has not seen. */
const UNSEEN = 0.1

/**
 * @param {{rows: number, seed: string}} options `rows`: patients of the hospital
 */
export function generate({ rows, seed }) {
  const random = createRandom(`diagnosis ${seed}`)
  const canaries = {
    hospital: [`Philippa-${random.hex(16)}`],
    laboratory: [`Philippa-${random.hex(16)}`],
  }
  const all = Array.from({ length: rows + Math.floor(rows / 3) }, (_, at) => patient(random, at))
  const [ours, next] = [all.slice(0, rows), all.slice(rows)]
  const hospital = ours.map(({ patient: id, age, pressure, smoker, sick }, at) => ({
    patient: id,
    name: at === 0 ? canaries.hospital[0] : 'somebody',
    age,
    pressure,
    smoker,
    sick,
  }))
  const seen = ours.filter(() => !random.chance(UNSEEN))
  // A laboratory has its own order, and patients of other hospitals.
  const laboratory = [
    ...seen.toReversed(),
    ...Array.from({ length: 50 }, (_, at) => patient(random, 10 ** 6 + at)),
  ].map(({ patient: id, marker_a, marker_b }, at) => ({
    patient: id,
    doctor: at === 0 ? canaries.laboratory[0] : 'somebody',
    marker_a,
    marker_b,
  }))
  return { canaries, hospital, laboratory, joined: seen, next }
}

function patient(random, at) {
  const one = {
    patient: `p${String(at).padStart(7, '0')}`,
    age: random.integer(18, 99),
    pressure: random.integer(80, 200),
    smoker: random.chance(0.3),
    marker_a: random.integer(0, 1000) / 10,
    marker_b: random.integer(0, 1000) / 10,
  }
  const odds =
    -0.6 +
    (one.age - 58) / 28 +
    (one.pressure - 140) / 60 +
    (one.smoker ? 0.8 : 0) +
    (one.marker_a - 50) / 18 -
    (one.marker_b - 50) / 30
  return { ...one, sick: random.chance(1 / (1 + Math.exp(-odds))) }
}
