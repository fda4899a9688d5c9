/** A sparse vector: term numbers and their weights, of length one. */
export interface SparseVector {
  readonly terms: Uint32Array
  readonly weights: Float64Array
}

const DAMPING = 0.85
const MAX_ITERATIONS = 100
const TOLERANCE = 1e-9

/** TF-IDF vectors of documents given as lists of terms; a document without terms gets an empty vector. */
export function tfIdf(documents: readonly (readonly string[])[]): {
  vectors: SparseVector[]
  vocabulary: number
} {
  const numbers = new Map<string, number>()
  const frequency: number[] = []
  const counted = documents.map((terms) => {
    const counts = new Map<number, number>()
    for (const term of terms) {
      let number = numbers.get(term)
      if (number === undefined) {
        number = numbers.size
        numbers.set(term, number)
        frequency.push(0)
      }
      const count = counts.get(number) ?? 0
      if (count === 0) frequency[number]!++
      counts.set(number, count + 1)
    }
    return counts
  })
  const vectors = counted.map((counts) => {
    const terms = Uint32Array.from(counts.keys())
    const weights = Float64Array.from(counts, ([number, count]) => {
      return (1 + Math.log(count)) * Math.log(1 + documents.length / frequency[number]!)
    })
    const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0))
    return { terms, weights: weights.map((weight) => weight / norm) }
  })
  return { vectors, vocabulary: numbers.size }
}

/** Cosine of two vectors of length one; the terms of `b` must be spread out in `dense` by {@link spread}. */
export function dot(a: SparseVector, dense: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.terms.length; i++) sum += a.weights[i]! * dense[a.terms[i]!]!
  return sum
}

/** Adds `scale` times a vector to a dense one. */
export function spread(vector: SparseVector, dense: Float64Array, scale: number): void {
  for (let i = 0; i < vector.terms.length; i++) dense[vector.terms[i]!]! += scale * vector.weights[i]!
}

/**
 * Continuous LexRank (Erkan and Radev 2004): the stationary weight of each sentence in the graph of cosine
 * similarities, with `prior` as the jump distribution. The graph is never built: with X the matrix of vectors,
 * its product with p is X (X^T p) - p, so the cost is linear in the text. Without the last term, the similarity of a
 * sentence to itself, the oddest sentences would keep the most weight.
 */
export function lexRank(
  vectors: readonly SparseVector[],
  vocabulary: number,
  prior: Float64Array,
): Float64Array {
  const count = vectors.length
  const total = prior.reduce((sum, value) => sum + value, 0)
  const jump = prior.map((value) => value / total)
  const degree = similaritySums(vectors, vocabulary, new Float64Array(count).fill(1))
  let rank = Float64Array.from(jump)
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const shares = rank.map((value, i) => (degree[i]! > 0 ? value / degree[i]! : 0))
    // What sentences without any word in common with others hold goes back to the jump distribution.
    const lost = rank.reduce((sum, value, i) => sum + (degree[i]! > 0 ? 0 : value), 0)
    const flow = similaritySums(vectors, vocabulary, shares)
    const next = flow.map((value, i) => DAMPING * (value + lost * jump[i]!) + (1 - DAMPING) * jump[i]!)
    const change = next.reduce((sum, value, i) => sum + Math.abs(value - rank[i]!), 0)
    rank = next
    if (change < TOLERANCE) break
  }
  return rank
}

function similaritySums(
  vectors: readonly SparseVector[],
  vocabulary: number,
  shares: Float64Array,
): Float64Array {
  const dense = new Float64Array(vocabulary)
  for (const [i, vector] of vectors.entries()) spread(vector, dense, shares[i]!)
  return Float64Array.from(vectors, (vector, i) => {
    // A sum of products of one sign, so what rounding leaves below zero is zero.
    return vector.terms.length === 0 ? 0 : Math.max(0, dot(vector, dense) - shares[i]!)
  })
}
