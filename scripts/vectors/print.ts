import type { FileReport } from './harness.ts'

const MAX_FAILURES_SHOWN = 20

/** Prints a table with one row per file and backend, then the failures. */
export function printReports(reports: readonly (FileReport & { backend: string })[]): void {
  const rows = reports.map(({ backend, folder, file, passed, total, byDesign }) => ({
    backend,
    file: `${folder}/${file}`,
    result: `${passed}/${total}`,
    note: byDesign === 0 ? '' : `${byDesign} of them refused by design`,
  }))
  const width = (key: 'backend' | 'file' | 'result'): number =>
    Math.max(...rows.map((row) => row[key].length))
  const [backendWidth, fileWidth, resultWidth] = [width('backend'), width('file'), width('result')]
  for (const { backend, file, result, note } of rows) {
    console.log(
      `${backend.padEnd(backendWidth)}  ${file.padEnd(fileWidth)}  ${result.padStart(resultWidth)}  ${note}`.trimEnd(),
    )
  }
  const failures = reports.flatMap(({ backend, folder, file, failures }) =>
    failures.map(({ name, reason }) => `${backend} ${folder}/${file}: ${name}: ${reason}`),
  )
  for (const failure of failures.slice(0, MAX_FAILURES_SHOWN)) console.log(`failed: ${failure}`)
  if (failures.length > MAX_FAILURES_SHOWN)
    console.log(`and ${failures.length - MAX_FAILURES_SHOWN} more failures`)
  const sum = (key: 'passed' | 'total'): number => reports.reduce((total, report) => total + report[key], 0)
  // A file without cases is a failure as well, so there can be failures where every case has passed.
  const trouble = failures.length === 0 ? '' : `; failures: ${failures.length}`
  console.log(
    `${sum('passed')} of ${sum('total')} cases passed in ${reports.length} runs of a file${trouble}`,
  )
}
