export { findGuestDefects } from './guest.ts'
export { parseSnpReport, REPORT_BYTES, SIGNED_BYTES, type FirmwareVersion, type SnpReport } from './report.ts'
