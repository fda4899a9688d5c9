/** A model as its receivers get it: ONNX that reads columns as they stand in a table. */
import { InferenceSession, Tensor } from 'onnxruntime-node'

const OUTPUT = 'model.scores'

/**
 * Scores of rows: of two classes the log odds of the second.
 * @param {string} file @param {readonly any[]} rows
 * @returns {Promise<number[]>} of each row as many as the model has outputs, one after the other
 */
export async function scoresOf(file, rows) {
  const session = await InferenceSession.create(file)
  try {
    const feeds = Object.fromEntries(
      session.inputMetadata.map(({ name, type }) => [name, tensorOf(rows, name, type)]),
    )
    const { [OUTPUT]: scores } = await session.run(feeds)
    return Array.from(scores.data, Number)
  } finally {
    await session.release()
  }
}

function tensorOf(rows, column, type) {
  const dims = [rows.length, 1]
  if (type === 'string')
    return new Tensor(
      'string',
      rows.map((row) => String(row[column])),
      dims,
    )
  return new Tensor(
    'float64',
    Float64Array.from(rows, (row) => row[column]),
    dims,
  )
}
