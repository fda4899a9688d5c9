/** Tables as owners bring them: CSV with a first line of names. */

/**
 * @param {readonly Record<string, string | number | boolean>[]} rows all with the same members
 */
export function toCsv(rows) {
  const names = Object.keys(rows[0])
  return (
    [names.join(','), ...rows.map((row) => names.map((name) => field(row[name])).join(','))].join('\n') + '\n'
  )
}

function field(value) {
  const text = String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
