/** One step of a path. */
export interface PathStep {
  readonly row: number
  readonly place: number
}

/**
 * The cheapest monotonic path through a matrix from its first to its last cell (dynamic time warping).
 * Among equal ways the one within a row is taken.
 *
 * @param cost `rows * places` values, row by row
 */
export function warpPath(cost: Float64Array, rows: number, places: number): PathStep[] {
  const width = places + 1
  // Single precision sums, as the reference keeps them.
  const total = new Float32Array((rows + 1) * width).fill(Infinity)
  const from = new Uint8Array(total.length)
  total[0] = 0
  for (let place = 1; place <= places; place++) {
    for (let row = 1; row <= rows; row++) {
      const at = row * width + place
      const diagonal = total[at - width - 1]!
      const up = total[at - width]!
      const left = total[at - 1]!
      let least = left
      let way = LEFT
      if (diagonal < up && diagonal < left) [least, way] = [diagonal, DIAGONAL]
      else if (up < diagonal && up < left) [least, way] = [up, UP]
      total[at] = cost[(row - 1) * places + place - 1]! + least
      from[at] = way
    }
  }
  const path: PathStep[] = []
  let row = rows
  let place = places
  while (row > 0 || place > 0) {
    path.push({ row: row - 1, place: place - 1 })
    const way = row === 0 ? LEFT : place === 0 ? UP : from[row * width + place]!
    if (way !== LEFT) row--
    if (way !== UP) place--
  }
  return path.toReversed()
}

const DIAGONAL = 0
const UP = 1
const LEFT = 2
