export { amdAnswers, kdsVcekPath } from './amd.ts'
export {
  type FakeDocumentOptions,
  type FakeIntel,
  fakeIntel,
  type FakePlatform,
  intelAnswers,
} from './intel.ts'
export { type FakeNvidia, fakeNvidia, nvidiaAnswers, rimAnswer } from './nvidia.ts'
export { recordedIntelAnswers } from './recorded.ts'
export { startVendorServer, type VendorAnswer, type VendorFault, type VendorServer } from './server.ts'
