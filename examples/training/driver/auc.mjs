/** How well scores tell two classes apart. */

/**
 * Area under the curve of true over false positives: the chance that a row of one class has a higher score than one of the
 * other, where the same score counts half.
 * @param {readonly number[]} scores @param {readonly boolean[]} labels
 */
export function areaUnderCurve(scores, labels) {
  const order = scores
    .map((score, at) => ({ score, is: labels[at] }))
    .sort((one, other) => one.score - other.score)
  let below = 0
  let pairs = 0
  for (let at = 0; at < order.length;) {
    let end = at
    let yes = 0
    for (; end < order.length && order[end].score === order[at].score; end++) if (order[end].is) yes++
    const no = end - at - yes
    pairs += yes * (below + no / 2)
    below += no
    at = end
  }
  const positives = labels.filter(Boolean).length
  return pairs / (positives * (labels.length - positives))
}

/** The area of a model over rows. */
export function areaOf(scoreOf, rows, label) {
  return areaUnderCurve(
    rows.map(scoreOf),
    rows.map((row) => row[label]),
  )
}
