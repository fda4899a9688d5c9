export { fakeAmd, type FakeAmd } from './amd.ts'
export type { FakeChip, FakeChipOptions } from './chip.ts'
export { type FakeReportFields, reportBody, signReport } from './report.ts'
export { fakeUvmSigner, type FakeUvmSigner, type UvmOptions } from './uvm.ts'
