/** What somebody gets who trains without a room, on rows that they have: logistic regression, in a few loops. */

const STEPS = 400
const RATE = 0.5
const PENALTY = 1e-4

/**
 * @typedef {{column: string, min: number, max: number} | {column: string, values: readonly string[]}} Feature
 */

/** Places of a row: numbers from -1 to 1 by their bounds, and a 1 for the value that it has. */
export function placesOf(row, features) {
  return features.flatMap((feature) => {
    const value = row[feature.column]
    if ('values' in feature) return feature.values.map((one) => (String(value) === one ? 1 : 0))
    const part = (2 * (value - feature.min)) / (feature.max - feature.min) - 1
    return [Math.min(1, Math.max(-1, part))]
  })
}

/**
 * Trains on these rows.
 * @param {readonly any[]} rows @param {readonly Feature[]} features @param {string} label of true or false
 * @returns {(row: any) => number} the score of a row
 */
export function trainAlone(rows, features, label) {
  const places = rows.map((row) => placesOf(row, features))
  const width = places[0].length
  const weights = new Float64Array(width + 1)
  const score = (place) => place.reduce((sum, value, at) => sum + value * weights[at], weights[width])
  // Gradient descent with the momentum of Nesterov: the problem is convex, so any way ends at the same place.
  const speed = new Float64Array(width + 1)
  for (let step = 0; step < STEPS; step++) {
    const gradient = new Float64Array(width + 1)
    for (const [at, place] of places.entries()) {
      const wrong = 1 / (1 + Math.exp(-score(place))) - (rows[at][label] ? 1 : 0)
      for (let column = 0; column < width; column++) gradient[column] += wrong * place[column]
      gradient[width] += wrong
    }
    for (let column = 0; column <= width; column++) {
      speed[column] =
        0.9 * speed[column] - RATE * (gradient[column] / rows.length + PENALTY * weights[column])
      weights[column] += speed[column]
    }
  }
  return (row) => score(placesOf(row, features))
}
