export { parseCertificateTable } from './certificate-table.ts'
export { snpHardware, type SnpOptions, type TsmFiles } from './collector.ts'
