export { allowsDebug, parseSnpReport, REPORT_BYTES, SIGNED_BYTES, type SnpReport } from './report.ts'
